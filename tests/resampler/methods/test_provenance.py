"""Provenance taken apart and put together again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from resampler.methods.provenance import Draws, Provenance, join


def part(n, seed, drawn):
    rng = np.random.default_rng(seed)
    columns = [rng.integers(0, 9, n) for _ in range(3)]
    keys = [rng.integers(0, 9, n) for _ in range(3)]
    draws = Draws(*keys, np.zeros(n, np.int64), rng.random((1, 2)), 11) if drawn else None
    donor, step = rng.integers(0, 9, (n, 2)), rng.random(n, np.float32)
    return Provenance(*columns, step, donor, np.array([1, 3]), "smoothed" if drawn else "segment", draws)


def rows_of(made):
    """What each row says, with its own width in place of where that stands."""
    rows = list(zip(*(column.tolist() for column in made[:5]), strict=True))
    if made.draws is None:
        return rows
    keys = zip(*(column.tolist() for column in made.draws[:3]), made.draws.width[made.draws.part].tolist(), strict=True)
    return [(*row, *key) for row, key in zip(rows, keys, strict=True)]


@given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=5), drawn=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_join_puts_rows_end_to_end_and_take_picks_them(sizes, drawn, seed):
    parts = [part(n, seed + at, drawn) for at, n in enumerate(sizes)]
    whole = join(parts)
    want = [row for one in parts for row in rows_of(one)]
    assert rows_of(whole) == want
    assert (whole.place, whole.categorical_features.tolist()) == (parts[0].place, [1, 3])
    assert whole.step.dtype == np.float32
    order = np.random.default_rng(seed).permutation(len(want))[: len(want) // 2 + 1]
    assert rows_of(whole.take(order)) == [want[i] for i in order]
    mask = np.arange(len(want)) % 3 == 0
    assert rows_of(whole.take(mask)) == want[::3]
    assert rows_of(join([whole.take(mask), whole.take(~mask)])) == [
        *want[::3],
        *(w for i, w in enumerate(want) if i % 3),
    ]


def test_an_empty_part_has_no_draws_and_changes_nothing():
    empty, full = part(0, 1, False)._replace(place="smoothed"), part(4, 2, True)
    assert rows_of(join([empty, full])) == rows_of(full)
    assert join([empty]).draws is None
