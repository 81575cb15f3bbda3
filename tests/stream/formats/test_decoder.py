"""Every input format: what is accepted means the same in each, what is not is a reject, and nothing crashes."""

import io
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resampler.errors import InvalidInputError
from resampler.schema import Feature, FeatureSchema, Label
from stream.formats import Decoder, InputFormat, Reason, encode_batch, encode_row
from stream.formats.arrow import write_ipc
from stream.formats.cells import CellReader
from stream.formats.fields import schema_id
from stream.formats.json_row import read_object
from stream.formats.rejects import RejectError
from stream.redis.entries import Entries

PLAIN = FeatureSchema.numeric(["a", "b"])
MIXED = FeatureSchema(
    (
        Feature("x"),
        Feature("n", "int8"),
        Feature("flag", "bool"),
        Feature("colour", "string", categorical=True, categories=("red", "green")),
        Feature("code", "int32", categorical=True),
    ),
    Label("kind", "string", ("no", "yes")),
)


def _entries(*entries):
    flat = [[item for pair in e.items() for item in pair] if isinstance(e, dict) else list(e) for e in entries]
    as_bytes = [[i if isinstance(i, bytes) else str(i).encode() for i in items] for items in flat]
    return Entries.pack([(b"%d-0" % (i + 1), items) for i, items in enumerate(as_bytes)])


def _arrow(schema=MIXED, **columns):
    return {"arrow": write_ipc(pa.RecordBatch.from_pydict(columns))}


def _reasons(rows):
    return [reject.reason for reject in rows.rejects]


def test_all_formats_mean_the_same_row():
    text = {"x": "1.5", "n": "-3", "flag": "true", "colour": "green", "code": "7", "kind": "yes"}
    as_json = {"json": json.dumps({"x": 1.5, "n": -3, "flag": True, "colour": "green", "code": 7, "kind": "yes"})}
    codes = [1.5, -3, 1, 1, 7]
    table = _arrow(x=[1.5], n=[-3], flag=[True], colour=["green"], code=[7], kind=["yes"])
    rows = Decoder(MIXED).decode(
        _entries(text, as_json, encode_row(codes, 1, MIXED), encode_batch([codes, codes], [1, 1]), table)
    )
    assert rows.rejects == []
    np.testing.assert_array_equal(rows.X, [codes] * 6)
    assert rows.y.tolist() == [1] * 6
    assert rows.entry.tolist() == [0, 1, 2, 3, 3, 4]
    assert rows.place.tolist() == [0, 0, 0, 0, 1, 0]


GOOD = {"x": "1", "n": "1", "flag": "0", "colour": "red", "code": "0", "kind": "no"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x": "nan"}, Reason.NOT_FINITE),
        ({"x": "-Infinity"}, Reason.NOT_FINITE),
        ({"x": "1e39"}, Reason.OUT_OF_RANGE),
        ({"x": "-1.1e16"}, Reason.OUT_OF_RANGE),
        ({"x": "1_0"}, Reason.UNPARSABLE),
        ({"x": " 1"}, Reason.UNPARSABLE),
        ({"x": ""}, Reason.UNPARSABLE),
        ({"x": "0x10"}, Reason.UNPARSABLE),
        ({"x": "1" * 65}, Reason.TOO_LONG),
        ({"n": "128"}, Reason.OUT_OF_RANGE),
        ({"n": "1.5"}, Reason.UNPARSABLE),
        ({"flag": "yes"}, Reason.UNPARSABLE),
        ({"colour": "blue"}, Reason.UNKNOWN_CATEGORY),
        ({"code": "16777217"}, Reason.OUT_OF_RANGE),
        ({"kind": "maybe"}, Reason.UNKNOWN_CLASS),
        ({"extra": "1"}, Reason.EXTRA_FIELD),
        ({"x": None}, Reason.MISSING_FIELD),
        ({"kind": None}, Reason.MISSING_FIELD),
    ],
)
def test_what_breaks_the_contract_is_rejected_as_text_and_as_json(change, reason):
    row = {name: value for name, value in (GOOD | change).items() if value is not None}
    rows = Decoder(MIXED).decode(_entries(GOOD, row, {"json": json.dumps(row)}, GOOD))
    assert _reasons(rows) == [reason, reason]
    assert rows.entry.tolist() == [0, 3]
    assert rows.rejects[0].original[:2] == (next(iter(row)).encode(), next(iter(row.values())).encode())


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (["a", "1", "a", "1", "b", "2", "label", "0"], Reason.DUPLICATE_FIELD),
        ({"json": "[1]"}, Reason.UNPARSABLE),
        ({"json": "{"}, Reason.UNPARSABLE),
        ({"json": '{"a":1,"b":{"c":2},"label":0}'}, Reason.UNPARSABLE),
        ({"json": '{"a":1,"a":1,"b":2,"label":0}'}, Reason.DUPLICATE_FIELD),
        ({"json": '{"a":null,"b":2,"label":0}'}, Reason.MISSING_FIELD),
        ({"json": '{"a":NaN,"b":2,"label":0}'}, Reason.NOT_FINITE),
        ({"json": "[" * 100_000}, Reason.UNPARSABLE),
        ({"json": " " * (2 << 20)}, Reason.TOO_LONG),
        ({"json": '{"a":1,"b":2,"label":0}', "more": "1"}, Reason.EXTRA_FIELD),
        ({"row": b""}, Reason.UNPARSABLE),
        ({"row": b"x" * 17}, Reason.UNPARSABLE),
        (encode_row([1, np.nan], 0), Reason.NOT_FINITE),
        (encode_row([1, 1e20], 0), Reason.OUT_OF_RANGE),
        (encode_batch([[-1e20, 1]], [0]), Reason.OUT_OF_RANGE),
        ({"rows": b""}, Reason.UNPARSABLE),
        (encode_batch([[1, 2]], [0]) | {b"schema": b"0" * 16}, Reason.WRONG_SCHEMA),
        (encode_row([1, 2], 0) | {b"schema": b"0" * 16}, Reason.WRONG_SCHEMA),
        (encode_row([1, 2], 0) | {b"z": b"0"}, Reason.EXTRA_FIELD),
        ({"arrow": b"junk"}, Reason.UNPARSABLE),
        (_arrow(a=[1.0], b=[1.0]), Reason.MISSING_FIELD),
        (_arrow(a=[1.0], b=[1.0], c=[1.0], label=[1]), Reason.EXTRA_FIELD),
        (_arrow(a=["x"], b=[1.0], label=[1]), Reason.UNPARSABLE),
        (_arrow(a=[None], b=[1.0], label=[1]), Reason.NOT_FINITE),
        (_arrow(a=[1e300], b=[1.0], label=[1]), Reason.OUT_OF_RANGE),
        (_arrow(a=[1e17], b=[1.0], label=[1]), Reason.OUT_OF_RANGE),
        (_arrow(a=[1.0], b=[1.0], label=pa.array([None], pa.int64())), Reason.MISSING_FIELD),
        (
            _arrow(a=pa.array([], pa.float32()), b=pa.array([], pa.float32()), label=pa.array([], pa.int64())),
            Reason.TOO_LONG,
        ),
    ],
)
def test_entries_that_are_rejected_whole(entry, reason):
    rows = Decoder(PLAIN).decode(_entries(entry))
    assert _reasons(rows) == [reason]
    assert len(rows.y) == 0


@pytest.mark.parametrize("kind", ["rows", "arrow"])
def test_a_batch_loses_its_faulty_rows_only_and_they_can_be_sent_again(kind):
    X = np.array([[1, 2], [np.inf, 2], [3, 4], [5, np.nan]], dtype=np.float32)
    entry = encode_batch(X, [0, 1, 0, 1]) if kind == "rows" else _arrow(a=X[:, 0], b=X[:, 1], label=[0, 1, 0, 1])
    rows = Decoder(PLAIN).decode(_entries(entry))
    np.testing.assert_array_equal(rows.X, X[[0, 2]])
    assert rows.place.tolist() == [0, 2]
    (reject,) = rows.rejects
    assert (reject.n_rows, reject.reason) == (2, Reason.NOT_FINITE)
    assert "row 1" in reject.detail
    again = Decoder(PLAIN).decode(_entries(reject.original))
    assert again.rejects[0].n_rows == 2
    assert len(again.y) == 0


def test_codes_outside_the_contract_are_rejected():
    good = [1.0, 1, 0, 1, 5]
    bad = [[1.0, 200, 0, 1, 5], [1.0, 1, 2, 1, 5], [1.0, 1, 0, 2, 5], [1.0, 1, 0, 0.5, 5]]
    rows = Decoder(MIXED).decode(_entries(encode_batch([good, *bad], [0] * 5), encode_batch([good], [2])))
    assert rows.y.tolist() == [0]
    assert _reasons(rows) == [Reason.OUT_OF_RANGE, Reason.UNKNOWN_CLASS]
    assert rows.rejects[0].n_rows == 4


def test_a_set_format_is_not_guessed():
    entry = {"json": "1", "row": "2", "label": "0"}
    schema = FeatureSchema.numeric(["json", "row"])
    for kind in (InputFormat.TEXT, InputFormat.AUTO):  # columns of these names keep `auto` from guessing, too
        assert Decoder(schema, kind).decode(_entries(entry)).X.tolist() == [[1.0, 2.0]]


def test_the_schema_id_may_stand_first():
    payload = encode_row([1, 2], 1)
    rows = Decoder(PLAIN).decode(_entries({b"schema": schema_id(PLAIN)} | payload))
    assert rows.X.tolist() == [[1.0, 2.0]]


def test_no_fields_at_all():
    assert _reasons(Decoder(PLAIN).decode(Entries.pack([(b"1-0", [])]))) == [Reason.MISSING_FIELD]
    assert len(Decoder(PLAIN).decode(Entries.pack([])).y) == 0


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-200, 200), st.floats(), st.sampled_from(["red", "1", "é", "yes"])
)
objects = st.dictionaries(st.sampled_from([*MIXED.names, "kind", "z"]), scalars, max_size=7)
full = st.fixed_dictionaries(
    {
        "x": st.floats(-1e6, 1e6),
        "n": st.integers(-128, 127),
        "flag": st.booleans(),
        "colour": st.sampled_from(["red", "green"]),
        "code": st.integers(-9, 9),
        "kind": st.sampled_from(["no", "yes"]),
    }
)


@st.composite
def json_texts(draw):
    text = json.dumps(draw(st.one_of(full, objects)), indent=draw(st.sampled_from([None, 1])))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.sampled_from(["", ",", '"', "{", "0", "-", "e", " ", "\\", "é", "."]))
            + text[at + draw(st.integers(0, 2)) :]
        )
    return text


@settings(deadline=None, max_examples=600)
@given(json_texts())
def test_json_rows_equal_the_references(text):
    rows = Decoder(MIXED).decode(_entries({"json": text}))
    try:
        expected = CellReader(MIXED).read(read_object(text.encode()))
    except RejectError as error:
        expected = error.reason
    found = (rows.X[0], rows.y[0]) if len(rows.y) else rows.rejects[0].reason
    assert repr(found) == repr(expected) or (found[0].tobytes(), found[1]) == (expected[0].tobytes(), expected[1])


names = st.sampled_from([b"row", b"rows", b"json", b"arrow", b"schema", b"a", b"b", b"label", b""])
# 16 and 32 bytes are one packed row and two.
payloads = st.one_of(
    st.binary(max_size=40), st.sampled_from([16, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n))
)


@settings(deadline=None, max_examples=400)
@given(st.lists(st.lists(st.tuples(names, payloads), max_size=4), max_size=5), st.sampled_from(InputFormat))
def test_no_entry_crashes_the_decoder_or_the_resampler(entries, input_format):
    packed = _entries(*([item for pair in pairs for item in pair] for pairs in entries))
    rows = Decoder(PLAIN, input_format).decode(packed)
    PLAIN.validate_rows(rows.X)  # what the resampler demands of every row
    assert rows.n_rows.min(initial=1) >= 1
    assert [r.entry for r in rows.rejects] == sorted({r.entry for r in rows.rejects})
    assert np.all(np.diff(rows.entry) >= 0)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_damaged_arrow_is_a_reject_or_rows_that_keep_the_contract(data):
    table = pa.RecordBatch.from_pydict({"a": [1.0, 2.0], "b": [3.0, 4.0], "label": [0, 1]})
    payload = bytearray(write_ipc(table))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    rows = Decoder(PLAIN).decode(_entries({"arrow": bytes(payload)}))
    assert np.isfinite(rows.X).all()


def test_arrow_file_that_is_compressed_is_read():
    table = pa.RecordBatch.from_pydict({"a": [1.0] * 50, "b": [3.0] * 50, "label": [0] * 50})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write(table)
    assert len(Decoder(PLAIN).decode(_entries({"arrow": sink.getvalue()})).y) == 50


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[0.0, 1.0]], [0, 1], "y must be 1 integers"),
        ([[0.0, 1.0]], [0.5], "y must be 1 integers.*float64"),
        ([[0.0, 1.0], [2.0]], [0, 1], "X must have shape"),
        ([0.0, 1.0], [0], r"X must be numbers of shape \(n, 2\), got shape \(2,\)"),
        ([[0.0, 1.0, 2.0]], [0], r"X must be numbers of shape \(n, 2\), got shape \(1, 3\)"),
        ([["a", "b"]], [0], "X must be numbers"),
    ],
)
def test_what_no_packed_entry_can_hold_is_refused_before_it_is_sent(X, y, message):
    schema = FeatureSchema.numeric(["a", "b"])
    with pytest.raises(InvalidInputError, match=message):
        encode_batch(X, y, schema)
    if len(X) == len(y) == 1:
        with pytest.raises(InvalidInputError, match=r"X must|y must"):
            encode_row(X[0], y[0], schema)
