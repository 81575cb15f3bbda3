"""Presets are parameters: valid ones, under another name."""

import pytest

from resampler import FeatureSchema, InvalidInputError, OnlineResampler, preset
from resampler.parameters import OnlineParameters
from resampler.presets import PRESETS, describe

SCHEMA = FeatureSchema.numeric(["a"])


@pytest.mark.parametrize("use", PRESETS)
def test_a_preset_is_the_same_as_its_parameters(use):
    given = preset(use)
    assert OnlineResampler(SCHEMA, **given).config_hash == OnlineResampler(SCHEMA, **PRESETS[use]).config_hash
    record = OnlineParameters(**given)
    assert {name: getattr(record, name) for name in given} == given
    given["ratio"] = 0.1  # a copy
    assert preset(use) != given


def test_what_is_given_goes_before_a_preset_and_takes_along_what_it_makes_void():
    assert preset("online-learning", burst=8) == PRESETS["online-learning"] | {"burst": 8}
    owed = preset("online-learning", emit="owed")
    assert OnlineParameters(**owed).parameters["advance"] == 0.25
    assert preset("collecting", emit="both", advance=1.0)["advance"] == 1.0


def test_collecting_is_what_a_stream_without_options_does():
    assert OnlineResampler(SCHEMA, **preset("collecting")).config_hash == OnlineResampler(SCHEMA).config_hash


def test_an_unknown_use_is_refused():
    with pytest.raises(InvalidInputError, match=r"use must be one of \('online-learning', 'collecting'\), got 'batch'"):
        preset("batch")


def test_parameters_are_described_as_options():
    assert describe({"ratio": 0.25, "window": 1_000_000, "emit": "owed", "undersample": None}) == (
        "--ratio 0.25 --window 1000000 --emit owed"
    )
