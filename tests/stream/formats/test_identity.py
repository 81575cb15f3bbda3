import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resampler.errors import InvalidInputError
from stream.formats import identity

words = st.integers(0, 2**64 - 1)
ids = st.tuples(
    st.one_of(st.integers(0, 2**42 - 1), words), st.one_of(st.integers(0, 200), words), st.integers(0, 5000)
)


def _pack(rows):
    return identity.row_ids(*(np.array(column, dtype=np.uint64) for column in zip(*rows, strict=True)))


@given(st.lists(ids, min_size=1, max_size=50, unique=True))
def test_distinct_rows_have_distinct_non_negative_ids(rows):
    packed = _pack(rows)
    assert packed.dtype == np.int64
    assert packed.min() >= 0
    assert len(set(packed.tolist())) == len(rows)


@given(st.lists(st.tuples(ids, st.lists(st.integers(0, 5000), unique=True, max_size=6)), max_size=6), st.booleans())
def test_rows_of_entries_have_the_ids_of_their_places(entries, small):
    sizes = [len(places) for _, places in entries]
    ms, seq = (np.array([row[half] for row, _ in entries], dtype=np.uint64) for half in (0, 1))
    entry = np.repeat(np.arange(len(entries)), sizes)
    place = np.array([place % 4096 if small else place for _, places in entries for place in places], dtype=np.int64)
    if small:
        ms, seq = ms % np.uint64(2**42), seq % np.uint64(2**7)
    expected = identity.row_ids(ms[entry], seq[entry], place.view(np.uint64))
    np.testing.assert_array_equal(identity.row_ids_of(ms, seq, entry, place), expected)


@given(ids)
def test_decode_gives_back_what_fits(row):
    ms, seq, place = row
    shown = identity.decode(int(_pack([row])[0]))
    fits = ms < 2**42 and (seq < 2**19 if place == 0 else seq < 2**7 and place < 2**12)
    if place == 0 and not fits:
        fits = ms < 2**42 and seq < 2**7
    if fits:
        assert shown == f"{ms}-{seq}" + (f":{place}" if place else "")
        assert identity.encode(shown) == int(_pack([row])[0])
    else:
        assert shown is None


@given(ids)
def test_encode_reads_entry_id_place_and_integer(row):
    ms, seq, place = row
    packed = int(_pack([row])[0])
    assert identity.encode(f"{ms}-{seq}:{place}") == packed
    assert identity.encode(str(packed)) == packed


@pytest.mark.parametrize("text", ["", "x", "-1", "1-", "1-2-3", "1-2:", str(2**63), f"{2**64}-0", "\u0661-0"])
def test_encode_refuses(text):
    with pytest.raises(InvalidInputError, match="row id"):
        identity.encode(text)


def test_decode_refuses_what_no_stream_made():
    with pytest.raises(InvalidInputError, match="must come from a stream"):
        identity.decode(3 << 61)
