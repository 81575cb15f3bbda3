"""What every format of the table promises; a new one inherits these tests by standing in the table."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resampler import ContractError, CorruptStateError, Feature, FeatureSchema, InvalidInputError, Label, MicroBatch
from stream import InputFormat, OutputFormat, Settings, decode_output
from stream.formats import Decoder, Reason, encode_output
from stream.formats.arrow import write_ipc
from stream.formats.check import MatrixCheck
from stream.formats.decoded import Collector
from stream.formats.fields import MAX_BATCH_ROWS, SCHEMA_FIELD, schema_id
from stream.formats.input import BatchInput, RowInput
from stream.formats.limits import OutputSize
from stream.formats.table import FORMATS, INPUTS, OUTPUTS
from stream.redis.entries import Entries

PLAIN = FeatureSchema.numeric(["a", "b"])
MIXED = FeatureSchema(
    (
        Feature("x"),
        Feature("n", "int8"),
        Feature("flag", "bool"),
        Feature("colour", "string", categorical=True, categories=("red", "green", "blau-grün")),
        Feature("size", "int64", categorical=True, categories=(36, -40)),
        Feature("code", "int32", categorical=True),
    ),
    Label("kind", "string", ("no", "yes")),
)
LISTED = FeatureSchema((Feature("a"),), Label("y", classes=(7, -3)))
NULLABLE = MIXED.with_rules(MIXED.names)
SCHEMAS = {"plain": PLAIN, "mixed": MIXED, "listed classes": LISTED, "nullable": NULLABLE}
ROW_FORMATS = [kind for kind, made in INPUTS.items() if issubclass(made, RowInput)]
BATCH_FORMATS = [kind for kind, made in INPUTS.items() if issubclass(made, BatchInput)]
NAMED = [kind for kind, made in INPUTS.items() if made.field]


def _rows(schema, n, seed=0):
    """Make rows of codes that keep the contract."""
    rng = np.random.default_rng(seed)
    columns = [
        rng.normal(size=n)
        if column.bounds is None
        else rng.integers(*np.clip(column.bounds, -99, 99), n, endpoint=True)
        for column in schema.columns
    ]
    classes = schema.label.column.codes or (0, 1, 2**62 + 1)
    X = np.column_stack(columns).astype(np.float32)
    X[schema.nullable_mask & (rng.random(X.shape) < 0.4)] = np.nan
    return X, rng.choice(np.array(classes), n)


def _pack(entries):
    return Entries.pack([(b"%d-0" % (i + 1), items) for i, items in enumerate(entries)])


def _decode(schema, kind, entries):
    return Decoder(schema, kind).decode(_pack(entries))


def _payload(entry, field):
    return entry[entry.index(field) + 1]


# -- the table


def test_the_options_are_made_from_the_table():
    assert [*InputFormat] == ["auto", *(each.name for each in FORMATS if each.input)]
    assert [*OutputFormat] == [each.name for each in FORMATS if each.output]
    assert len(INPUTS) == len({made.field for made in INPUTS.values()})
    assert len(OUTPUTS) == len({output.field for output in OUTPUTS.values()})


# -- input


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@pytest.mark.parametrize("kind", INPUTS)
def test_what_a_producer_sends_is_what_is_decoded(kind, schema):
    X, y = _rows(schema, 50)
    entries = INPUTS[kind](schema).encode(X, y)
    for told in (kind, InputFormat.AUTO):
        decoded = _decode(schema, told, entries)
        assert decoded.rejects == []
        assert decoded.X.tobytes() == X.tobytes()
        assert decoded.y.tobytes() == y.tobytes()
        places = [(i, place) for i, n in enumerate(decoded.n_rows) for place in range(n)]
        assert list(zip(decoded.entry, decoded.place, strict=True)) == places


def test_entries_of_every_format_may_follow_one_another():
    X, y = _rows(MIXED, 6)
    sent = [items for _ in range(2) for made in INPUTS.values() for items in made(MIXED).encode(X, y)]
    decoded = _decode(MIXED, InputFormat.AUTO, sent)
    assert decoded.rejects == []
    np.testing.assert_array_equal(decoded.X, np.tile(X, (2 * len(INPUTS), 1)))


@pytest.mark.parametrize("kind", NAMED)
def test_a_column_called_like_the_field_keeps_auto_from_guessing(kind):
    schema = FeatureSchema.numeric([INPUTS[kind].field.decode(), "b"])
    X, y = _rows(schema, 3)
    text = INPUTS[InputFormat.TEXT](schema).encode(X, y)
    np.testing.assert_array_equal(_decode(schema, InputFormat.AUTO, text).X, X)
    np.testing.assert_array_equal(_decode(schema, kind, INPUTS[kind](schema).encode(X, y)).X, X)


@pytest.mark.parametrize("kind", NAMED)
def test_the_contracts_id_may_stand_beside_the_field_and_nothing_else(kind):
    X, y = _rows(PLAIN, 1)
    (entry,) = INPUTS[kind](PLAIN).encode(X, y)
    right, wrong = [SCHEMA_FIELD, schema_id(PLAIN)], [SCHEMA_FIELD, b"0" * 16]
    for good in (entry + right, right + entry):
        assert len(_decode(PLAIN, InputFormat.AUTO, [good]).y) == 1
    faulty = {
        Reason.WRONG_SCHEMA: entry + wrong,
        Reason.EXTRA_FIELD: [*entry, b"more", b"1"],
        Reason.DUPLICATE_FIELD: entry + entry,
        Reason.MISSING_FIELD: right,
    }
    decoded = _decode(PLAIN, kind, faulty.values())
    assert [reject.reason for reject in decoded.rejects] == [*faulty]
    assert [list(reject.original) for reject in decoded.rejects] == [*faulty.values()]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.1e16, -3e38])
@pytest.mark.parametrize("kind", INPUTS)
def test_a_value_that_no_distance_survives_is_rejected_with_its_reason(kind, value):
    X, y = _rows(PLAIN, 4)
    X[2, 1] = value
    decoded = _decode(PLAIN, kind, INPUTS[kind](PLAIN).encode(X, y))
    (reject,) = decoded.rejects
    assert reject.reason == (Reason.OUT_OF_RANGE if np.isfinite(value) else Reason.NOT_FINITE)
    assert "'b'" in reject.detail
    np.testing.assert_array_equal(decoded.X, X[[0, 1, 3]])
    assert decoded.n_rows.sum() == 4


@pytest.mark.parametrize("kind", INPUTS)
def test_a_number_beyond_the_columns_type_is_rejected(kind):
    schema = FeatureSchema((Feature("n", "int8"), Feature("m", "int16")), Label("y"))
    sent = FeatureSchema((Feature("n", "int16"), Feature("m", "int16")), Label("y"))
    X, y = np.array([[127, 1], [128, 1], [-129, 1]], dtype=np.float32), np.zeros(3, dtype=np.int64)
    decoded = _decode(schema, kind, INPUTS[kind](sent).encode(X, y))
    assert {reject.reason for reject in decoded.rejects} == {Reason.OUT_OF_RANGE}
    assert decoded.X.tolist() == [[127, 1]]


@pytest.mark.parametrize("kind", INPUTS)
def test_a_class_that_the_contract_does_not_list_is_rejected(kind):
    anything = FeatureSchema(LISTED.features, Label("y"))
    X, _ = _rows(LISTED, 3)
    decoded = _decode(LISTED, kind, INPUTS[kind](anything).encode(X, np.array([7, 8, -3])))
    (reject,) = decoded.rejects
    assert reject.reason == Reason.UNKNOWN_CLASS
    assert decoded.y.tolist() == [7, -3]


@pytest.mark.parametrize("kind", BATCH_FORMATS)
def test_an_entry_of_too_many_rows_is_rejected(kind):
    X, y = np.zeros((MAX_BATCH_ROWS + 1, 2), dtype=np.float32), np.zeros(MAX_BATCH_ROWS + 1, dtype=np.int64)
    made = INPUTS[kind](PLAIN)
    decoded = _decode(PLAIN, kind, [*made.encode(X[1:], y[1:]), *made.encode(X, y)])
    assert [(reject.entry, reject.reason) for reject in decoded.rejects] == [(1, Reason.TOO_LONG)]
    assert decoded.n_rows.tolist() == [MAX_BATCH_ROWS, 1]


@pytest.mark.parametrize("kind", BATCH_FORMATS)
def test_faulty_rows_leave_an_entry_in_a_form_that_can_be_sent_again(kind):
    X, y = _rows(PLAIN, 6)
    X[[1, 4], [0, 1]] = np.inf
    decoded = _decode(PLAIN, kind, INPUTS[kind](PLAIN).encode(X, y))
    np.testing.assert_array_equal(decoded.X, X[[0, 2, 3, 5]])
    assert decoded.place.tolist() == [0, 2, 3, 5]
    (reject,) = decoded.rejects
    assert (reject.n_rows, reject.detail[:6]) == (2, "row 1:")
    again = _decode(PLAIN, InputFormat.AUTO, [list(reject.original)])
    assert (again.rejects[0].n_rows, len(again.y)) == (2, 0)


damages = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4)


def _damaged(items, damages):
    """Overwrite some bytes of the values."""
    items = [*items]
    for at, byte in damages:
        which = 2 * (at % (len(items) // 2)) + 1
        value = bytearray(items[which])
        if value:
            value[at // 7 % len(value)] = byte
        items[which] = bytes(value)
    return items


def _by_reference(made, entries):
    """Decode as without a kernel."""
    found = Collector(entries, made.schema.n_features)
    made.read_fast = lambda *run: run[-1].fill(False) if isinstance(made, RowInput) else None
    made.decode(entries, 0, len(entries), found)
    return found.finish()


@pytest.mark.parametrize("schema", [MIXED, NULLABLE], ids=["mixed", "nullable"])
@pytest.mark.parametrize("kind", [*ROW_FORMATS, InputFormat.ROWS])
@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 999), harm=st.lists(damages, max_size=6))
def test_the_kernel_says_what_the_reference_says(kind, schema, seed, harm):
    X, y = _rows(schema, 16, seed)
    bounds = [*range(9)] if kind in ROW_FORMATS else [0, 1, 4, 4 + seed % 9, 16]
    parts = [slice(*pair) for pair in pairwise(bounds)]
    sent = [items for part in parts for items in INPUTS[kind](schema).encode(X[part], y[part])]
    sent = [_damaged(items, harm[i]) if i < len(harm) else items for i, items in enumerate(sent)]
    fast, slow = _decode(schema, kind, sent), _by_reference(INPUTS[kind](schema), _pack(sent))
    for column in ("X", "y", "entry", "place", "n_rows"):
        assert getattr(fast, column).tobytes() == getattr(slow, column).tobytes()
    assert fast.rejects == slow.rejects


@pytest.mark.parametrize("schema", [MIXED, NULLABLE], ids=["mixed", "nullable"])
@pytest.mark.parametrize("kind", INPUTS)
@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 999), harm=damages)
@example(seed=0, harm=[(126, 129), (238, 0)])  # a signalling NaN behind a value that is too large
def test_a_damaged_entry_is_a_reject_or_rows_that_keep_the_contract(kind, schema, seed, harm):
    X, y = _rows(schema, 3, seed)
    sent = [_damaged(items, harm) for items in INPUTS[kind](schema).encode(X, y)]
    decoded = _decode(schema, kind, sent)
    schema.validate_rows(decoded.X)  # what the resampler demands of every row
    assert set(decoded.y.tolist()) <= {0, 1}
    assert decoded.n_rows.min() >= 1


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e30])
@pytest.mark.parametrize("nulls", [False, True])
def test_the_limit_itself_passes_and_what_is_beyond_does_not_whatever_stands_behind(nulls, scale):
    schema = FeatureSchema.numeric(["a", "b"]).with_scale([scale, scale])
    check = MatrixCheck(schema.with_rules(schema.names) if nulls else schema)
    most = min(np.float64(np.float32(scale)) * 1e16, np.finfo(np.float32).max)
    most = np.nextafter(np.float32(most), np.float32(0))
    signalling = np.array([0x7F800001], dtype=np.uint32).view(np.float32)[0]
    for value in (most, -most):
        assert check(np.array([[value, 0], [0, value]], dtype=np.float32), np.zeros(2, dtype=np.int64)) == {}
    for value in (most * np.float32(1.5), -most * np.float32(1.5), np.float32(np.inf)):
        X = np.array([[value, 0], [1, 1], [2, 2]], dtype=np.float32)
        X[1, 1] = signalling if nulls else 1
        assert list(check(X, np.zeros(3, dtype=np.int64))) == [0]


@pytest.mark.parametrize("kind", INPUTS)
def test_a_null_is_a_letter_where_the_column_is_not_nullable(kind):
    X, y = _rows(MIXED, 6)
    X[np.arange(6), np.arange(6)] = np.nan
    sent = [INPUTS[kind](NULLABLE).encode(X[[i]], y[[i]])[0] for i in range(6)]
    decoded = _decode(MIXED, kind, sent)
    assert len(decoded.y) == 0
    assert {reject.reason for reject in decoded.rejects} <= {
        Reason.MISSING_FIELD, Reason.NOT_FINITE, Reason.UNKNOWN_CATEGORY
    }  # fmt: skip
    assert [name in reject.detail for reject, name in zip(decoded.rejects, MIXED.names, strict=True)] == [True] * 6
    again = _decode(NULLABLE, kind, [list(reject.original) for reject in decoded.rejects])
    assert again.X.tobytes() == X.tobytes()


def test_text_that_is_empty_is_null_and_what_is_no_number_is_not():
    rows = [
        [b"x", b"", b"kind", b"yes"],
        [b"kind", b"no", b"colour", b"", b"flag", b"true"],
        [b"x", b"nan", b"kind", b"yes"],
        [b"kind", b""],
    ]
    decoded = _decode(NULLABLE, InputFormat.TEXT, rows)
    np.testing.assert_array_equal(decoded.X, [[np.nan] * 6, [np.nan, np.nan, 1, np.nan, np.nan, np.nan]])
    assert [reject.reason for reject in decoded.rejects] == [Reason.NOT_FINITE, Reason.UNKNOWN_CLASS]
    named = FeatureSchema((Feature("a", "string", True, ("", "b"), nulls="inherit"),))
    decoded = _decode(named, InputFormat.TEXT, [[b"a", b"", b"label", b"1"], [b"label", b"1"]])
    np.testing.assert_array_equal(decoded.X, [[0], [np.nan]])


def test_nan_of_an_arrow_column_is_null_and_its_text_is_not():
    complete = {"x": [0.5, 1.5], "n": [1, 2], "flag": [True, False], "colour": ["red", "red"], "size": [36, 36]}
    complete |= {"code": [3, 4], "kind": ["no", "yes"]}
    for name in ("x", "n", "flag", "size", "code"):
        decoded = _decode(NULLABLE, InputFormat.ARROW, _arrow(complete | {name: [float("nan"), None]}))
        assert decoded.rejects == []
        assert np.isnan(decoded.X[:, MIXED.names.index(name)]).all()
        assert np.isnan(decoded.X).sum() == 2
    decoded = _decode(NULLABLE, InputFormat.ARROW, _arrow(complete | {"x": ["nan", None]}))
    assert np.isnan(decoded.X[:, 0]).tolist() == [True]
    assert [(reject.reason, reject.n_rows) for reject in decoded.rejects] == [(Reason.NOT_FINITE, 1)]
    assert "'x' must be finite, got 'nan'" in decoded.rejects[0].detail


def _arrow(columns):
    return [[b"arrow", write_ipc(pa.table(columns))]]


@pytest.mark.parametrize("bits", [0x7FC00001, 0xFFC00000, 0x7F800001])
@pytest.mark.parametrize("kind", [InputFormat.ROW, InputFormat.ROWS])
def test_whatever_bits_stand_for_a_null_one_comes_out(kind, bits):
    X, y = _rows(PLAIN, 4)
    X.view(np.uint32)[1, 1] = bits
    schema = PLAIN.with_rules(["b"])
    decoded = _decode(schema, kind, INPUTS[kind](schema).encode(X, y))
    assert decoded.rejects == []
    X[1, 1] = np.nan
    assert decoded.X.tobytes() == X.tobytes()


# -- output


def _batch(schema, n, seed=0):
    X, y = _rows(schema, n, seed)
    rng = np.random.default_rng(seed)
    synthetic = rng.random(n) < 0.5
    ids = [rng.integers(0, 2**62, n) for _ in range(3)]
    row_id, base_id, neighbor_id = np.where(synthetic, -1, ids[0]), *(np.where(synthetic, part, -1) for part in ids[1:])
    return MicroBatch(X, y, synthetic, row_id, base_id, neighbor_id, rng.random(n, dtype=np.float32))


def _written(schema, kind, batch):
    """Write a micro-batch as the entries that a worker would."""
    bounds = range(len(batch) + 1) if OUTPUTS[kind].row_an_entry else (0, len(batch))
    entries = [encode_output(batch, schema, kind, start, stop) for start, stop in pairwise(bounds)]
    return [dict(zip(items[::2], items[1::2], strict=True)) for items in entries]


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@pytest.mark.parametrize("kind", OUTPUTS)
def test_output_reads_back_to_the_bit(kind, schema):
    batch = _batch(schema, 17)
    entries = _written(schema, kind, batch)
    back = MicroBatch.concat([decode_output(entry, schema) for entry in entries])
    for column in ("X", "y", "is_synthetic", "row_id", "base_id", "neighbor_id", "step"):
        assert getattr(back, column).tobytes() == getattr(batch, column).tobytes()
    with pytest.raises(ContractError, match="must be of schema"):
        decode_output(entries[0], FeatureSchema.numeric(["other"]))


@pytest.mark.parametrize("kind", OUTPUTS)
def test_what_keyed_the_draws_comes_back(kind):
    n = 30
    draw = np.column_stack([np.arange(n) << 32, np.arange(n) % 7])
    batch = replace(_batch(PLAIN, n), draw=draw)
    entries = _written(PLAIN, kind, batch)
    back = MicroBatch.concat([decode_output(entry, PLAIN) for entry in entries])
    for column in ("X", "y", "is_synthetic", "row_id", "base_id", "neighbor_id", "step", "draw"):
        np.testing.assert_array_equal(getattr(back, column), getattr(batch, column))
    frame = 16 if OUTPUTS[kind].row_an_entry else 0
    taken = sum(len(item) + frame for entry in entries for pair in entry.items() for item in pair)
    assert taken <= OutputSize(PLAIN, n, draws=True).bytes_behind_row(kind) + 8_192
    with pytest.raises(InvalidInputError, match="column 'draw_id' is a column of the output too"):
        Settings(FeatureSchema.numeric(["draw_id"]), output_format=kind, strategy="geometric")
    Settings(FeatureSchema.numeric(["draw_id"]), output_format=kind)


@pytest.mark.parametrize("kind", OUTPUTS)
def test_an_output_entry_is_of_one_format_whatever_its_columns_are_called(kind):
    schema = FeatureSchema.numeric([output.field.decode() or "text" for output in OUTPUTS.values()], label="y")
    batch = _batch(schema, 2)
    for entry in _written(schema, kind, batch):
        assert [each for each, output in OUTPUTS.items() if output.owns(entry)] == [kind]
    back = MicroBatch.concat([decode_output(entry, schema) for entry in _written(schema, kind, batch)])
    np.testing.assert_array_equal(back.X, batch.X)


def test_an_output_entry_of_no_format_is_named():
    entry = {SCHEMA_FIELD: schema_id(PLAIN), b"junk": b"1"}
    with pytest.raises(CorruptStateError, match=f"one of the formats {', '.join(OUTPUTS)}, got the fields"):
        decode_output(entry, PLAIN)


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("keep", [0, 1, 9])
def test_an_output_entry_that_is_cut_short_is_named(kind, keep):
    entry = _written(PLAIN, kind, _batch(PLAIN, 1))[0]
    field = OUTPUTS[kind].field or b"neighbor_id"
    damaged = entry | {field: entry[field][:keep] if OUTPUTS[kind].field else b"x" * keep}
    with pytest.raises(CorruptStateError, match=r"output entry cannot be read|packed micro-batch"):
        decode_output(damaged, PLAIN)


@pytest.mark.parametrize("kind", OUTPUTS)
def test_columns_of_the_output_cannot_be_columns_of_the_contract(kind):
    for name in OUTPUTS[kind].reserved:
        for schema in (FeatureSchema.numeric([name]), FeatureSchema.numeric(["a"], label=name)):
            with pytest.raises(InvalidInputError, match=f"column '{name}' is a column of the output too"):
                Settings(schema, output_format=kind)
    Settings(FeatureSchema.numeric(["a"], label="b"), output_format=kind)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@pytest.mark.parametrize("kind", OUTPUTS)
def test_a_row_takes_no_more_of_a_commit_than_the_format_says(kind, schema):
    n = 2_000
    entries = _written(schema, kind, _batch(schema, n))
    frame = 16 if OUTPUTS[kind].row_an_entry else 0  # of each name and value in a request
    taken = sum(len(item) + frame for entry in entries for pair in entry.items() for item in pair)
    assert taken <= n * OUTPUTS[kind].row_bytes(schema) + 8_192  # an entry that holds all has a head
    assert OutputSize(schema, 3).bytes_behind_row(kind) == 3 * OUTPUTS[kind].row_bytes(schema)


def test_text_output_has_a_limit_of_its_own():
    with pytest.raises(InvalidInputError, match="text output takes at most 3000 features, got 3001"):
        Settings(FeatureSchema.numeric([f"f{j}" for j in range(3_001)]), output_format=OutputFormat.TEXT)
