"""Profiles add up, in any order."""

import itertools
import json
from contextlib import suppress
from functools import reduce

import numpy as np
import pyarrow as pa
import pytest

from resampler.errors import CorruptStateError, InvalidInputError, ResamplerError
from resampler.profile.cells import Cells
from resampler.profile.counts import Counts
from resampler.profile.profile import Profile
from resampler.profile.profiler import Profiler
from resampler.quality.drift.measure import measure_drift


def rows(seed, n=200):
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "x": pa.array(np.where(rng.random(n) < 0.1, None, rng.normal(size=n)), pa.float64()),
            "c": pa.array(rng.choice(["a", "b", "c"], n)),
            "y": rng.integers(0, 2, n),
            "s": np.zeros(n, dtype=bool),
        }
    )


@pytest.fixture
def profiles():
    cells = {
        "x": Cells.fitted(rows(9)["x"], categorical=False),
        "c": Cells.fitted(rows(9)["c"], categorical=True),
    }
    made = []
    for tables in ([rows(0)], [rows(1, 7)], [rows(2, 61)], [rows(0), rows(1, 7), rows(2, 61)]):
        profiler = Profiler(cells, "y", "s")
        for table in tables:
            profiler.add("train", table)
        made.append(profiler.profile())
    return made


def exact(profile):
    return {
        (part.key, name): (counts.counts, counts.low, counts.high)
        for part in profile.parts
        for name, counts in part.features.items()
    }


def test_sums_are_those_of_all_rows_in_any_order(profiles):
    *parts, whole = profiles
    for order in itertools.permutations(parts):
        found = order[0] + order[1] + order[2]
        assert exact(found) == exact(whole)
        for one, other in zip(found.parts, whole.parts, strict=True):
            a, b = one.features["x"], other.features["x"]
            assert (a.mean, a.spread) == pytest.approx((b.mean, b.spread))
    assert Profile.from_json(whole.to_json()) == whole


def test_counts_in_other_cells_are_not_added(profiles):
    other = Profile({"x": Cells(categorical=False)}, ())
    with pytest.raises(InvalidInputError, match="other cells"):
        profiles[0] + other


def test_what_is_not_known_of_one_side_is_not_known_of_both():
    assert Counts((1, 0), 1.0, 0.0, 1.0, 1.0) + Counts((2, 0)) == Counts((3, 0))
    assert Counts((1, 0), 1.0, 0.0, 1.0, 1.0) + Counts((0, 2)) == Counts((1, 2), 1.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 9}', '{"format": 2, "cells": {"x": 1}, "parts": []}'])
def test_a_file_that_is_none_is_refused(text):
    with pytest.raises(CorruptStateError, match=r"profile\.json"):
        Profile.from_json(text)


def _places(data, place=()):
    yield place
    below = data.items() if isinstance(data, dict) else enumerate(data[:2]) if isinstance(data, list) else ()
    for name, of in below:
        yield from _places(of, (*place, name))


def test_any_damage_is_a_line(profiles):
    """Whatever stands in place of a value: what is read can be compared, or is refused."""
    text = profiles[-1].to_json()
    for *way, last in filter(None, _places(json.loads(text))):
        for value in (None, -1, 1.5, 10**400, "z", True, [], [1], ["x"], {}, {"a": 1}):
            data = json.loads(text)
            reduce(lambda of, name: of[name], way, data)[last] = value
            with suppress(ResamplerError):
                found = Profile.from_json(json.dumps(data))
                measure_drift(found, found)
                found.to_json()


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("counts", lambda counts: [counts[0] + 1, *counts[1:]], "counts of 'c' add up to 201, among 200 rows"),
        ("counts", lambda counts: counts[1:], "counts of 'c' are not 5 whole numbers"),
        ("mean", lambda _: "z", "mean, spread, least and greatest of 'c' are not all finite numbers"),
    ],
)
def test_what_is_damaged_is_said(profiles, name, change, said):
    data = json.loads(profiles[0].to_json())
    part = data["parts"][0]
    part["features"]["c"][name] = change(part["features"]["c"][name])
    with pytest.raises(
        CorruptStateError, match=said.replace("200", str(part["rows"])).replace("201", str(part["rows"] + 1))
    ):
        Profile.from_json(json.dumps(data))
