"""Why nothing is made: each reason where it holds, with its figures; and none where rows are made."""

import numpy as np
import pytest

from resampler import FeatureSchema, Label, OnlineResampler
from resampler.schema import Feature

SCHEMA = FeatureSchema((Feature("a"),), Label("y", "string", ("fine", "fraud", "churn")))


def after(labels, **options):
    labels = np.asarray(labels)
    resampler = OnlineResampler(SCHEMA, **{"ratio": 0.5, "window": 100, "k_neighbors": 2} | options)
    paused = options.pop("paused", False)
    resampler.paused = paused
    X = np.random.default_rng(0).normal(size=(len(labels), 1)).astype(np.float32)
    resampler.process(X, labels.astype(np.int64), np.arange(len(labels)))
    return resampler


def rare(n, *at, label=1):
    labels = np.zeros(n, dtype=np.int64)
    labels[list(at)] = label
    return labels


HALF = np.arange(80) % 2

CASES = {
    "no rows": ([], {}, [("no_rows", None, "no row has come yet")]),
    "warm-up": (HALF, {"warmup": 80}, [("warmup", None, "80 rows of the warm-up of 80")]),
    "one class": (rare(80), {}, [("one_class", None, "all 80 rows are of class fine: see that the label")]),
    "too few": (rare(80, 5, 9), {}, [("too_few", 1, "class fraud has 2 rows of the 3")]),
    "reached": (
        HALF,
        {},
        [("reached", 1, "class fraud has reached its ratio: 1 of the largest class in the window, 0.5")],
    ),
    "reached, under-sampled": (
        rare(100, *range(0, 100, 10)),
        {"undersample": 0.5},
        [("reached", 1, "class fraud has reached its ratio: 0.5 of the largest")],
    ),
    "cost": (
        rare(100, *range(0, 100, 10)),
        {"cost": {"fraud": 1}},
        [
            (
                "reached",
                1,
                "class fraud has had 10 rows in the window, and for each is to have 1 (its cost, else growth)",
            )
        ],
    ),
    "growth, absent": (
        rare(200, 1, 2, 3, 4),
        {"growth": 9},
        [("reached", 1, "class fraud has had 0 rows in the window, and for each is to have 9")],
    ),
    "no arrival": (
        rare(300, 1, 2, 3, 4),
        {"emit": "arrival"},
        [("no_arrival", 1, "under emit=arrival it is paid behind rows of its own")],
    ),
    "below one": (
        rare(100, *range(0, 99, 9)),
        {"ratio": 0.14},
        [("below_one", 1, "so that the next row falls due in ")],
    ),
    "below one, drawn": (
        rare(100, *range(0, 99, 9)),
        {"ratio": 0.14, "quota": "poisson"},
        [("below_one", 1, "lacks 1.46 rows of the last 100, so that the next row falls due in 69 on average, as it")],
    ),
    "paid an advance": (
        rare(80, *range(0, 80, 5)),
        {"emit": "both", "ratio": 1.0},
        [("below_one", 1, "so that the next row falls due in ")],
    ),
    "made as fast as it may be": (rare(60, 1, 2, 40), {"ratio": 1.0, "burst": 1}, []),
}


@pytest.mark.parametrize(("labels", "options", "wanted"), CASES.values(), ids=CASES)
def test_each_reason(labels, options, wanted):
    found = after(labels, **options).idle_reasons()
    assert [(one.reason, one.label) for one in found] == [(reason, label) for reason, label, _ in wanted]
    assert all(words in one.words for one, (*_, words) in zip(found, wanted, strict=True))


def test_a_pause_and_its_end():
    resampler = after(HALF)
    resampler.paused = True
    assert [(one.reason, one.label) for one in resampler.idle_reasons()] == [("paused", None)]
    resampler.paused = False
    assert [one.reason for one in resampler.idle_reasons()] == ["reached"]


def test_each_class_has_its_own_and_asking_changes_nothing():
    labels = np.concatenate([rare(60, *range(20)), rare(40, 1, label=2)])
    resampler = after(labels, ratio=0.2)
    before = resampler.to_bytes()
    assert [(one.reason, one.label) for one in resampler.idle_reasons()] == [("reached", 1), ("too_few", 2)]
    assert resampler.to_bytes() == before
    resampler.recall = {1: 0.5}
    resampler.idle_reasons()
    resampler.recall = None
    assert resampler.to_bytes() == before
