"""The text kernel against the reference: whatever it claims, the reference says too, to the bit."""

import struct

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resampler.schema import Feature, FeatureSchema, Label
from stream.formats.cells import CellReader
from stream.formats.columns import Columns
from stream.formats.rejects import RejectError
from stream.kernels.text import decode_text, read_float32
from stream.redis.entries import Entries

MIXED = FeatureSchema(
    (
        Feature("x"),
        Feature("n", "int16"),
        Feature("flag", "bool"),
        Feature("colour", "string", categorical=True, categories=("red", "green", "")),
        Feature("zone", "int64", categorical=True, categories=(7, -3)),
        Feature("code", "int32", categorical=True),
        Feature("y64", "float64"),
    ),
    Label("kind", "string", ("no", "yes")),
)

decimals = st.from_regex(r"\A[+-]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,3})?\Z")
floats = st.one_of(
    st.floats(width=32).map(str),
    st.floats().map(repr),
    st.integers(0, 2**32 - 1).map(lambda bits: repr(struct.unpack("<f", struct.pack("<I", bits))[0])),
)
# Halfway between two float32, and the float64 on either side of it: where rounding twice differs.
halves = st.tuples(st.integers(0x00800000, 0x7F000000), st.integers(-3, 3)).map(
    lambda pair: repr(struct.unpack("<d", struct.pack("<q", _middle(pair[0]) + pair[1]))[0])
)
numbers = st.one_of(decimals, floats, halves, st.text(max_size=8), st.integers().map(str))


def _middle(bits):
    low = struct.unpack("<f", struct.pack("<I", bits))[0]
    return struct.unpack("<q", struct.pack("<d", low))[0] + 0x10000000


def _read_float32(text):
    """Read `text` by itself, and with digits on both sides of it, which must make no difference."""
    inner = text.encode(errors="surrogatepass")
    value, certain = read_float32(np.frombuffer(inner, dtype=np.uint8), 0, len(inner))
    amid = np.frombuffer(b"7654321098" + inner + b"0123456789", dtype=np.uint8)
    assert repr(read_float32(amid, 10, 10 + len(inner))) == repr((value, certain))
    return value, certain


@settings(deadline=None, max_examples=2_000)
@given(numbers)
@example("-0")
@example("16777217")
@example("0.1e-400")
@example("1" + "0" * 63)
@example("3.4028235677973366e38")
@example("1.1754943e-38")
def test_a_certain_float32_is_the_references(text):
    value, certain = _read_float32(text)
    if certain:
        expected = np.float32(float(text))
        assert np.float32(value).tobytes() == expected.tobytes()
        assert np.isfinite(expected)


def test_ordinary_numbers_are_certain():
    rng = np.random.default_rng(0)
    values = rng.normal(size=2_000).astype(np.float32)
    texts = (
        [str(v) for v in values] + [repr(float(v)) for v in values / 50] + [f"{v:.6f}" for v in values] + ["0", "17"]
    )
    assert np.mean([_read_float32(text)[1] for text in texts]) > 0.999


def _entry(items):
    flat = [item for pair in items for item in pair]
    return Entries.pack([(b"1-0", flat)])


def _kernel(entries, schema, order=None):
    n, d = len(entries), schema.n_features
    X, y = np.zeros((n, d), dtype=np.float32), np.zeros(n, dtype=np.int64)
    certain = np.zeros(n, dtype=np.bool_)
    order = np.arange(d + 1) if order is None else order
    decode_text(entries.buffer, entries.first, entries.spans, 0, n, Columns.of(schema), order, X, y, certain)
    return X, y, certain


values = {
    "x": numbers,
    "n": st.one_of(st.integers(-40_000, 40_000).map(str), numbers),
    "flag": st.sampled_from(["0", "1", "true", "False", "TRUE", "2", ""]),
    "colour": st.sampled_from(["red", "green", "", "blue", "re"]),
    "zone": st.sampled_from(["7", "-3", "8", "07"]),
    "code": st.one_of(st.integers(-(2**25), 2**25).map(str), st.just("1.0")),
    "y64": numbers,
    "kind": st.sampled_from(["no", "yes", "maybe", "0"]),
}


@settings(deadline=None, max_examples=500)
@given(
    st.fixed_dictionaries(values), st.permutations(list(values)), st.lists(st.sampled_from([*values, "z"]), max_size=2)
)
def test_a_certain_row_is_the_references(row, names, changes):
    items = [(name.encode(), row[name].encode(errors="surrogatepass")) for name in names]
    for change in changes:  # missing, repeated and unknown fields
        items = (
            [pair for pair in items if pair[0] != change.encode()]
            if len(change) % 2
            else [*items, (change.encode(), b"1")]
        )
    X, y, certain = _kernel(_entry(items), MIXED)
    try:
        x, label = CellReader(MIXED).read([item for pair in items for item in pair])
    except RejectError:
        assert not certain[0]
    else:
        if certain[0]:
            assert X[0].tobytes() == x.tobytes()
            assert y[0] == label


def test_plain_rows_are_all_certain():
    row = {
        "x": "1.5",
        "n": "-3",
        "flag": "1",
        "colour": "green",
        "zone": "-3",
        "code": "12",
        "y64": "2e3",
        "kind": "yes",
    }
    backwards = dict(reversed(row.items()))
    entries = Entries.pack(
        [
            (b"%d-0" % i, [s.encode() for pair in fields.items() for s in pair])
            for i, fields in enumerate([row, backwards, row])
        ]
    )
    X, y, certain = _kernel(entries, MIXED)
    assert certain.all()
    np.testing.assert_array_equal(X, [[1.5, -3, 1, 1, 1, 12, 2000]] * 3)
    assert y.tolist() == [1, 1, 1]
