import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.kernels.cut import cut


def _naive(ms, rows, window_ms, batch_rows):
    batches = []
    for i, (stamp, n) in enumerate(zip(ms, rows, strict=True)):
        same_window = batches and stamp // window_ms == ms[batches[-1][0]] // window_ms
        if same_window and sum(rows[j] for j in batches[-1]) + n <= batch_rows:
            batches[-1].append(i)
        else:
            batches.append([i])
    return [batch[-1] + 1 for batch in batches]


def _cut(ms, rows, window_ms, batch_rows):
    stops = np.empty(len(ms), dtype=np.int64)
    n = cut(np.array(ms, dtype=np.uint64), np.array(rows, dtype=np.int64), window_ms, batch_rows, stops)
    return stops[:n].tolist()


entries = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), max_size=40)


@settings(deadline=None)
@given(entries, st.integers(1, 7), st.integers(1, 10))
def naive_test_equals_its_naive(steps, window_ms, batch_rows):
    ms = np.cumsum([step for step, _ in steps]).tolist()
    rows = [n for _, n in steps]
    assert _cut(ms, rows, window_ms, batch_rows) == _naive(ms, rows, window_ms, batch_rows)


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
