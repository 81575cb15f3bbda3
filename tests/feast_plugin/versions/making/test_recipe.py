"""What is made of a version's rows: checked once, kept in manifests as it was, read back the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from feast_plugin.versions.files.manifest import Manifest
from feast_plugin.versions.making.recipe import FORGOT, Recipe
from resampler.errors import CorruptStateError, InvalidInputError
from resampler.secret import SecretKey

FORMAT_1 = Path(__file__).parents[1] / "format1" / "manifest.json"
LATER = {FORGOT: 3}


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        (
            {},
            {
                "algorithm": 4, "grid": "auto", "k_neighbors": 5, "missing": "inherit", "sampler": "smote",
                "split": "time:0.7,0.15,0.15",
            },
        ),
        (
            {
                "sampler": "adasyn", "split": "group:unit:0.5,0.25,0.25", "undersample": 1, "clean": "enn",
                "missing": "complete", "grid": "off", "algorithm": 3, "search": "auto-1",
            },
            {
                "algorithm": 1, "clean": "enn", "k_neighbors": 5, "sampler": "adasyn",
                "split": "group:unit:0.5,0.25,0.25", "undersample": 1.0,
            },
        ),
        (
            {"clean": "tomek", "missing": "complete", "grid": "off"},
            {
                "algorithm": 4, "clean": "tomek", "grid": "off", "k_neighbors": 5, "missing": "complete",
                "sampler": "smote", "search": "auto-2", "split": "time:0.7,0.15,0.15",
            },
        ),
        (
            {"missing": "complete", "grid": "off", "secret_key": SecretKey(b"sixteen bytes or more")},
            {
                "algorithm": 4, "grid": "off", "k_neighbors": 5, "missing": "complete", "sampler": "smote",
                "secret_key": "fffa9437cae73562", "split": "time:0.7,0.15,0.15",
            },
        ),
    ],
)  # fmt: skip
def test_a_manifest_keeps_what_was_asked_for_and_no_default(options, parameters):
    recipe = Recipe(**({"sampler": "smote", "split": "time:0.7,0.15,0.15"} | options))
    assert recipe.parameters == parameters
    assert type(recipe.ratio) is float
    noise = Recipe(sampler="random", shrinkage=np.float32(0.5)).parameters["shrinkage"]
    assert (noise, type(noise)) == (0.5, float)


def test_a_manifest_gives_the_recipe_back_whichever_release_wrote_it():
    manifest = Manifest.from_json(FORMAT_1.read_text(), "m")
    assert Recipe.of(manifest).parameters == manifest.parameters
    for parameters in (manifest.parameters | LATER, manifest.parameters | {"undersample": 0.5, "clean": "tomek"}):
        changed = dataclasses.replace(manifest, parameters=parameters)
        kept = {name: value for name, value in parameters.items() if name != FORGOT}
        assert Recipe.of(changed).parameters == kept


def test_a_parameter_of_a_later_release_is_refused_by_name():
    manifest = Manifest.from_json(FORMAT_1.read_text(), "m")
    later = dataclasses.replace(manifest, parameters=manifest.parameters | {"radius": 2})
    with pytest.raises(CorruptStateError, match="was made with radius, which this release does not know"):
        Recipe.of(later)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": 1.5}, "ratio must be in"),
        ({"seed": -1}, "seed must be"),
        ({"k_neighbors": 0}, "k_neighbors must be an integer of at least 1"),
        ({"split": "random:1"}, "is unknown: write it as"),
        ({"sampler": "magic"}, "sampler must be one of"),
        ({"clean": "magic"}, "clean must be one of"),
        ({"undersample": 0}, "undersample must be in"),
        ({"group_by": ""}, "group_by must be a column's name"),
        ({"retain": "some"}, "retain must be one of"),
        ({"search": "auto"}, "search must be one of"),
    ],
)
def test_what_breaks_its_rule_is_refused_before_any_row_is_read(options, message):
    with pytest.raises(InvalidInputError, match=message):
        Recipe(**options)
