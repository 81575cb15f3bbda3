"""The window of class counts and the plan against naive loops: the same operations, however the rows are cut."""

import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from naive.online import NaiveWindow

from resampler.kernels.online.window import ASSESS, INSERT, REFER, Policy, Quotas, Window, encode, plan, runner_up

MAX_CLASSES = 5
LABELS = st.sampled_from([-1, 2, 30, 7])


def make_window(size):
    counts = {name: np.zeros(MAX_CLASSES, dtype=np.int64) for name in Window._fields}
    one = {name: np.zeros(1, dtype=np.int64) for name in ("n_classes", "seen")}
    return Window(**(counts | one | {"codes": np.zeros(size, dtype=np.int16), "credit": np.zeros(MAX_CLASSES)}))


@given(st.lists(st.lists(st.integers(-3, 3), max_size=12), max_size=5))
def test_classes_are_numbered_as_they_come_and_too_many_change_nothing(batches):
    window, known = make_window(4), []
    for labels in batches:
        codes, want = np.empty(len(labels), dtype=np.int64), list(dict.fromkeys([*known, *labels]))
        n = encode(window, np.array(labels, dtype=np.int64), codes)
        if len(want) > MAX_CLASSES:
            assert n == -1
        else:
            known = want
            assert n == len(known)
            assert codes.tolist() == [known.index(label) for label in labels]
        assert window.n_classes[0] == len(known)
        assert window.labels.tolist() == known + [0] * (MAX_CLASSES - len(known))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=MAX_CLASSES))
def test_runner_up(counts):
    assert runner_up(np.array(counts), len(counts), max(counts)) == sorted([0, *counts])[-2]


@given(
    n=st.integers(1, 150),
    rate=st.sampled_from([0.1, 0.4]),
    seed=st.integers(0, 2**64 - 1),
    ratio=st.floats(0.05, 1.0),
    k=st.integers(1, 4),
    spare=st.integers(1, 6),
    size=st.integers(1, 40),
    burst=st.integers(1, 5),
    undersample=st.just(0.0) | st.floats(0.1, 1.0),
    poisson=st.booleans(),
    emit=st.sampled_from(["owed", "arrival", "both"]),
    advance=st.sampled_from([0.0, 0.25, 1.0]),
    compare=st.booleans(),
    warmup=st.sampled_from([0, 10]),
    cut=st.integers(0, 150),
    pauses=st.tuples(st.booleans(), st.booleans()),
    class_ratio=st.dictionaries(LABELS, st.floats(0.05, 1.0)),
    cost=st.dictionaries(LABELS, st.floats(1.0, 20.0)),
)
def test_plan(
    n,
    rate,
    seed,
    ratio,
    k,
    spare,
    size,
    burst,
    undersample,
    poisson,
    emit,
    advance,
    compare,
    warmup,
    cut,
    pauses,
    class_ratio,
    cost,
):
    rng = np.random.default_rng(seed % 2**32)
    labels = np.where(rng.random(n) < rate, rng.choice([-1, 2, 30], n), 7).tolist()
    when = emit == "arrival", emit == "both", advance
    policy = Policy(undersample, poisson, *when, compare, k + 1, k + spare, burst, warmup, np.uint64(seed))
    quota = "poisson" if poisson else "exact"
    naive = NaiveWindow(
        ratio,
        k,
        k + spare,
        size,
        burst,
        undersample,
        quota,
        emit,
        warmup,
        seed,
        advance=advance,
        compare=compare,
        class_ratio=class_ratio,
        cost=cost,
    )
    window, ids = make_window(size), rng.integers(0, 2**62, n)
    dropped, made = dict.fromkeys(labels, 0), dict.fromkeys(labels, 0)
    for first, last, paused in ((0, min(cut, n), pauses[0]), (min(cut, n), n, pauses[1])):
        naive.paused, policy = paused, policy._replace(paused=paused)
        y, row_ids = np.array(labels[first:last], dtype=np.int64), ids[first:last]
        codes, position = np.empty(len(y), dtype=np.int64), np.empty(len(y), dtype=np.int64)
        n_classes = encode(window, y, codes)
        streams = np.array([zlib.crc32(str(label).encode()) for label in window.labels[:n_classes]], dtype=np.int64)
        ops = np.empty((4, 2 * len(y) * n_classes), dtype=np.int64)
        known = window.labels[:n_classes].tolist()
        quotas = Quotas(
            np.array([class_ratio.get(label, ratio) for label in known]),
            np.array([cost.get(label, 0.0) for label in known]),
        )
        n_ops, n_out = plan(window, policy, quotas, codes, row_ids, streams, *ops, position)
        want, places, at = [], [], 0
        for i, (label, row_id) in enumerate(zip(y.tolist(), row_ids.tolist(), strict=True)):
            keep, left_out, orders = naive.push(label, row_id)
            places.append(~at if left_out else at)
            at += not left_out
            dropped[label] += left_out
            want += [(label, i, INSERT, -1)] * keep
            for c, count in orders:
                want.append((c, i, count, -1 if count == REFER else at))
                at += max(count, 0)
                made[c] += max(count, 0)
        found = [(int(window.labels[c]), *rest) for c, *rest in ops[:, :n_ops].T.tolist()]
        assert found == want
        assert ASSESS not in ops[2, :n_ops]
        assert position.tolist() == places
        assert n_out == at
    for code, label in enumerate(dict.fromkeys(labels)):
        assert window.real[code] == naive.recent.count(label)
        assert (window.stored[code], window.credit[code]) == (naive.stored[label], naive.credit[label])
        assert window.seen_real[code] == labels.count(label)
        assert (window.seen_dropped[code], window.seen_synthetic[code]) == (dropped[label], made[label])
