"""Counts of rows: those of the version's own cells, the same however reads part the rows, and on from any state."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from resampler.errors import CorruptStateError
from stream.drift.counter import Counter, Plan
from stream.formats import Decoded, Reason, Reject

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def decoded(make_rows):
    """Return 3,000 rows in entries of up to five; of every seventh entry rows were rejected."""
    X, y = make_rows(3_000, seed=4)
    X[::50, 1] = np.nan
    rng = np.random.default_rng(0)
    entry = np.repeat(np.arange(2_000), rng.integers(0, 6, 2_000))[:3_000]
    n = int(entry[-1]) + 1
    rejects = [Reject(i, Reason.NOT_FINITE, "", (), 2) for i in range(0, n, 7)]
    place = np.arange(3_000) - np.searchsorted(entry, entry)
    n_rows = np.bincount(entry, minlength=n) + 2 * (np.arange(n) % 7 == 0)
    ms = np.arange(1, n + 1, dtype=np.uint64)
    return Decoded(ms, np.zeros(n, dtype=np.uint64), n_rows, X, y, entry, place, rejects)


def _plan(reference, schema, rows=400, every=3):
    return Plan(reference, schema, rows, every, 24)


def _dumped(windows):
    return [window.dump() for window in windows]


def _parts(decoded, stops):
    for stop in np.diff([0, *stops]).tolist():
        first, decoded = decoded.split(stop)
        yield first
    if decoded is not None:
        yield decoded


def test_counts_are_those_of_the_cells(reference, schema, decoded):
    (window, *_) = Counter(_plan(reference, schema, rows=3_000, every=1)).add(decoded, decoded.row_ids())
    assert window.classes == ("0", "1")
    assert window.rows == window.accepted == 3_000
    for place, name in enumerate(NAMES):
        values = pa.chunked_array([pa.array(decoded.X[:, place])])
        wanted = reference.cells[name].count(values, decoded.y, 2)
        assert reference.cells[name].of_places(window.counts[:, place]).tolist() == wanted.tolist()
    assert window.counts[:, 1, -1].sum() == 60


@pytest.mark.parametrize("every", [1, 3])
def test_reads_do_not_matter(reference, schema, decoded, every):
    plan = _plan(reference, schema, every=every)
    whole = Counter(plan)
    wanted = whole.add(decoded, decoded.row_ids())
    assert len(wanted) == 3_000 // every // 400 or every > 1
    assert sum(window.rejected for window in wanted) > 0
    rng = np.random.default_rng(every)
    for _ in range(5):
        counter, found = Counter(plan), []
        for part in _parts(decoded, np.unique(rng.integers(1, decoded.n_entries, 30))):
            found += counter.add(part, part.row_ids())
            counter = Counter.from_bytes(counter.to_bytes(), plan, "a key")  # as if it were killed here
        assert _dumped(found) == _dumped(wanted)
        assert counter.to_bytes() == whole.to_bytes()


def test_windows_are_equally_long_and_in_line(reference, schema, decoded):
    counter = Counter(_plan(reference, schema))
    windows = counter.add(decoded, decoded.row_ids())
    assert [window.number for window in windows] == list(range(len(windows)))
    assert {window.rows for window in windows} == {400}
    assert all(800 < window.accepted < 1_600 for window in windows)
    rest = counter.open_window()
    assert sum(window.accepted for window in windows) + rest.accepted == 3_000
    assert sum(window.rejected for window in windows) + rest.rejected == decoded.n_rejected
    ends = [int(window.last.partition("-")[0]) for window in windows]
    begins = [int(window.first.partition("-")[0]) for window in windows]
    assert all(0 <= begin - end <= 2 for end, begin in zip(ends, begins[1:], strict=False))


def test_another_plan_begins_anew(reference, schema, decoded):
    plan = _plan(reference, schema)
    counter = Counter(plan)
    counter.add(decoded, decoded.row_ids())
    state = counter.to_bytes()
    assert Counter.from_bytes(state, replace(plan, keep=3), "a key") is not None
    for other in (replace(plan, rows=500), replace(plan, every=1)):
        assert Counter.from_bytes(state, other, "a key") is None


@pytest.mark.parametrize("damage", [lambda s: s[:-4], lambda _: b"{}\n", lambda _: b"", lambda s: s[:-4] + b"\1\0\0\0"])
def test_damage_is_found(reference, schema, decoded, damage):
    plan = _plan(reference, schema)
    counter = Counter(plan)
    counter.add(decoded, decoded.row_ids())
    with pytest.raises(CorruptStateError, match=r"^the counts in '\{s\}:snapshot' are damaged \([^:]"):
        Counter.from_bytes(damage(counter.to_bytes()), plan, "'{s}:snapshot'")
