"""Where output entries end: the kernel against its naive loop, and when the last batch is closed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.cutting import batches

from resampler import FeatureSchema
from stream import Settings, encode_batch
from stream.formats import Decoder
from stream.kernels.cut import cut
from stream.redis.entries import Entries
from stream.shard import limits
from stream.shard.cutting import STALE_MS, Cutting

SCHEMA = FeatureSchema.numeric(["a"])


def _cut(ms, rows, window_ms, batch_rows):
    stops = np.empty(len(ms), dtype=np.int64)
    n = cut(np.array(ms, dtype=np.uint64), np.array(rows, dtype=np.int64), window_ms, batch_rows, stops)
    return stops[:n].tolist()


entries = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), max_size=40)


@settings(deadline=None)
@given(entries, st.integers(1, 7), st.integers(1, 10))
def test_equals_its_naive_loop(steps, window_ms, batch_rows):
    ms = np.cumsum([step for step, _ in steps]).tolist()
    rows = [n for _, n in steps]
    assert _cut(ms, rows, window_ms, batch_rows) == batches(ms, rows, window_ms, batch_rows)


@settings(deadline=None)
@given(entries, st.integers(1, 7), st.integers(1, 10), st.data())
def test_going_on_behind_any_batch_changes_no_later_one(steps, window_ms, batch_rows, data):
    ms = np.cumsum([step for step, _ in steps]).tolist()
    rows = [n for _, n in steps]
    stops = _cut(ms, rows, window_ms, batch_rows)
    if stops:
        at = data.draw(st.sampled_from(stops))
        rest = [at + stop for stop in _cut(ms[at:], rows[at:], window_ms, batch_rows)]
        assert [stop for stop in stops if stop > at] == rest


def _entries(ids, n_rows=1):
    """Decode entries of `n_rows` rows each under these IDs."""
    sent = []
    for entry_id in ids:
        ((field, payload),) = encode_batch(np.zeros((n_rows, 1)), np.zeros(n_rows, dtype=np.int64)).items()
        sent.append((entry_id, [field, payload]))
    return Decoder(SCHEMA).decode(Entries.pack(sent))


@pytest.fixture
def cutting():
    return Cutting(Settings(SCHEMA, linger_ms=5, batch_rows=3))


def test_the_last_batch_is_open_until_its_milliseconds_are_over(cutting):
    pending = _entries([b"10-0", b"11-0", b"15-0", b"19-0"])
    assert cutting.window_end_ms(pending) == 20
    assert cutting.closed(pending, 19, quiet=False).tolist() == [2]
    assert cutting.closed(pending, 20, quiet=False).tolist() == [2, 4]


def test_a_clock_that_has_nothing_to_do_with_the_ids_proves_nothing(cutting):
    pending = _entries([b"10-0"])
    assert cutting.closed(pending, 20 + STALE_MS, quiet=False).tolist() == []
    assert cutting.closed(pending, 20 + STALE_MS, quiet=True).tolist() == [1]
    assert cutting.wait_ms(pending, 10) == 5
    assert cutting.wait_ms(pending, 16) == 0
    assert cutting.wait_ms(pending, 9) is None  # IDs ahead of the clock
    assert cutting.wait_ms(pending, 16 + STALE_MS) is None


def test_an_entry_is_never_split_and_a_full_batch_is_closed(cutting):
    pending = _entries([b"10-0", b"10-1", b"10-2"], n_rows=2)
    assert cutting.closed(pending, 0, quiet=False).tolist() == [1, 2]


def test_a_commit_takes_as_many_batches_as_their_output_may_need_and_at_least_one(cutting, monkeypatch):
    pending = _entries([b"%d-0" % (5 * i) for i in range(10)])
    stops = cutting.closed(pending, 0, quiet=True)
    assert cutting.batches_of_commit(pending, stops) == 10
    row_bytes = Settings(SCHEMA).output_size.bytes_behind_row("packed")
    monkeypatch.setattr(limits, "COMMIT_BYTES", 4 * row_bytes)
    assert cutting.batches_of_commit(pending, stops) == 4
    monkeypatch.setattr(limits, "COMMIT_BYTES", 1)
    assert cutting.batches_of_commit(pending, stops) == 1
