"""JSON rows that are written like the row before, whose names are not looked for, mean what the reference says."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resampler import Feature, FeatureSchema, Label
from stream import InputFormat
from stream.formats import Decoder
from stream.formats.cells import CellReader
from stream.formats.json_row import read_object
from stream.formats.rejects import RejectError
from stream.redis.entries import Entries

SCHEMA = FeatureSchema(
    (Feature("x"), Feature("a name of more than eight bytes"), Feature("n", "int16"), Feature("flag", "bool")),
    Label("kind", "string", ("no", "yes")),
)
numbers = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(float).map(repr),
    st.floats(-10, 10).map(repr),
    st.from_regex(r"-?[0-9]{0,3}(\.[0-9]{0,24})?([eE][-+]?[0-9]{0,5})?", fullmatch=True),
    st.sampled_from(
        ["0", "-0.0", "1e22", "1e-23", "00", "01.5", ".5", "5.", "+1", "1e", "3.4028235e38", "1e39", "NaN"]
    ),
    st.sampled_from(["16777217", "0." + "0" * 30 + "1", "1" * 19, "1" * 20, "0.30000001192092896", '"0.5"', "null"]),
)
layouts = st.sampled_from(
    [
        '{{"x": {}, "a name of more than eight bytes": {}, "n": {}, "flag": {}, "kind": "{}"}}',
        '{{"kind":"{4}","x":{0},"n":{2},"flag":{3},"a name of more than eight bytes":{1}}}',
        ' {{ "flag": {3}, "n": "{2}", "x": {0} ,"a name of more than eight bytes": {1}, "kind": "{4}" }} ',
        '{{"x": {}, "a name of more than eight bytes": {}, "n": {}, "flag": {}, "kind": "{}", "kind": "no"}}',
        '{{"x": {}, "a name of more than eight bytes": {}, "n": {}, "flag": {}, "kind": "{}"',
    ]
)
rows = st.builds(
    lambda layout, *values: layout.format(*values),
    layouts,
    numbers,
    numbers,
    st.one_of(st.integers(-40_000, 40_000).map(str), numbers),
    st.sampled_from(["true", "false", "1", "0", "2", "tru", "null"]),
    st.sampled_from(["no", "yes", "yes", "maybe", ""]),
)


@pytest.mark.parametrize("schema", [SCHEMA, SCHEMA.with_rules(SCHEMA.names)], ids=["complete", "nullable"])
@settings(deadline=None, max_examples=300)
@given(texts=st.lists(rows, min_size=2, max_size=6), cut=st.integers(0, 6))
def test_rows_behind_one_another_equal_the_references(schema, texts, cut):
    texts = [texts[0], *texts, texts[-1]]
    decoder, reference = Decoder(schema, InputFormat.JSON), CellReader(schema)
    for part in (texts[:cut], texts[cut:]):  # the layout that is remembered outlives a read
        decoded = decoder.decode(_entries(part))
        at = 0
        for i, text in enumerate(part):
            try:
                x, y = reference.read(read_object(text.encode()))
            except RejectError as error:
                expected = error.reason
            else:
                expected = None
            rejects = [reject.reason for reject in decoded.rejects if reject.entry == i]
            assert rejects == ([expected] if expected else [])
            if expected:
                continue
            assert decoded.entry[at] == i
            assert (decoded.X[at].tobytes(), decoded.y[at]) == (x.tobytes(), y)
            at += 1
        assert at == len(decoded.y)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=6, max_size=6), st.integers(0, 1))
def test_what_python_writes_is_read_to_the_bit(values, label):
    schema = FeatureSchema.numeric(["a", "b"])
    sent = [dict(zip("ab", values[i : i + 2], strict=True)) | {"label": label} for i in (0, 2, 4)]
    sent = [row for row in sent if max(abs(row["a"]), abs(row["b"])) <= 1e16]
    decoded = Decoder(schema).decode(_entries([json.dumps(row) for row in sent]))
    np.testing.assert_array_equal(
        decoded.X, np.array([[row["a"], row["b"]] for row in sent], np.float32).reshape(-1, 2)
    )
    assert decoded.y.tolist() == [label] * len(sent)


def _entries(texts):
    # Room behind the rows, as in the buffer of replies: a row without it is searched for names.
    packed = Entries.pack([(b"%d-0" % (i + 1), [b"json", text.encode()]) for i, text in enumerate([*texts, " " * 32])])
    n = len(texts)
    return Entries(packed.buffer, packed.ms[:n], packed.seq[:n], packed.first[: n + 1], packed.spans)
