"""Real and synthetic rows of each class among the last that a learner has seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resampler import ClassWindow, FeatureSchema, OnlineResampler, correct_prior
from resampler.errors import CorruptStateError, InvalidInputError
from resampler.provenance import MicroBatch, make_output
from resampler.quality import ClassCounts

LABELS = (7, -3, 10**12)


def batch_of(labels, synthetic):
    out = MicroBatch.of(make_output(len(labels), 1), draws=False)
    out.y[:], out.is_synthetic[:] = labels, synthetic
    return out


def naive(rows, n):
    last = rows[-n:]
    return [
        {label: sum(one == (label, kind) for one in last) for label in sorted({one for one, _ in rows})}
        for kind in (False, True)
    ]


ROWS = st.lists(st.tuples(st.sampled_from(LABELS), st.booleans()), max_size=60)


@given(st.lists(ROWS, max_size=5), st.integers(1, 40), st.data())
def test_it_counts_the_last_rows_however_they_are_cut(batches, n, data):
    window, seen = ClassWindow(n), []
    for rows in batches:
        window.update(batch_of([label for label, _ in rows], [kind for _, kind in rows]))
        seen += rows
        real, synthetic = naive(seen, n)
        assert (window.real, window.synthetic) == (real, synthetic)
        assert window.trained == {label: real[label] + synthetic[label] for label in real}
        if data.draw(st.booleans()):
            window = ClassWindow.from_bytes(window.to_bytes())


def test_a_saved_window_is_checked():
    window = ClassWindow(5)
    window.update(batch_of([1] * 7 + [0], [False] * 8))
    saved = window.to_bytes()
    assert saved == ClassWindow.from_bytes(saved).to_bytes()
    with pytest.raises(CorruptStateError, match="checksum"):
        ClassWindow.from_bytes(saved[:-1] + b"x")
    for rows in (0, 1.5, True, None, 10**9):
        with pytest.raises(InvalidInputError, match="rows must be a whole number from 1"):
            ClassWindow(rows)


def test_rows_that_under_sampling_left_out_are_real():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4000, 2)), (np.arange(4000) % 20 == 0).astype(int)
    online = OnlineResampler(FeatureSchema.numeric(["a", "b"]), ratio=1.0, undersample=0.25, seed=1)
    window = ClassWindow(100_000)
    for at in range(0, 4000, 500):
        part = slice(at, at + 500)
        window.update(online.process(X[part], y[part], np.arange(4000)[part]), y[part])
    assert window.class_counts == ClassCounts.of(online.stats())
    assert window.real == {0: 3800, 1: 200}
    assert window.trained[0] < 3000
    with pytest.raises(InvalidInputError, match="label of every real row"):
        window.update(batch_of([0, 0], [False, False]), [0])
    with pytest.raises(InvalidInputError, match="label of every real row"):
        window.update(batch_of([0], [False]), [1])


def test_probabilities_are_corrected_by_the_window():
    window = ClassWindow(1000)
    assert window.correct([0.5]).tolist() == [0.5]  # nothing has come
    window.update(batch_of([0] * 90 + [1] * 90, [False] * 90 + [False] * 10 + [True] * 80))
    expected = correct_prior([0.5], trained=[90.5, 90.5], real=[90.5, 10.5])
    assert window.correct([0.5]).tolist() == expected.tolist()
    assert window.correct([[0.5, 0.5]], classes=[1, 0])[0, 0] == pytest.approx(expected[0])
    late = ClassWindow(50)
    late.update(batch_of([1] + [0] * 50, [False] * 51))
    assert 0 < late.correct([0.5])[0] <= 0.5  # a class that has not come lately keeps a chance


def test_there_are_only_so_many_classes():
    window = ClassWindow(10)
    with pytest.raises(InvalidInputError, match="64 classes at most"):
        window.update(batch_of(range(65), [False] * 65))
    assert window.real == {}
    window.update(batch_of(range(64), [False] * 64))
    assert sum(window.real.values()) == 10
