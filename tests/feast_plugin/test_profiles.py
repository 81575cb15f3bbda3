"""Rows of today from a feature service, against a version of it."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from feast_plugin.profiles import from_feature_service
from resampler.commands.drift import drift
from resampler.errors import ContractError, DataError, InvalidInputError

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def asked(project, *words):
    repo = ["--snapshot", "pay", "--repo", str(project.path), "--root", str(project.root)]
    result = CliRunner().invoke(drift, [*repo, *words, "--json"], standalone_mode=False, catch_exceptions=False)
    return result.return_value, json.loads(result.stdout)


@pytest.mark.parametrize("full", [False, True])
def test_the_same_entities_give_the_same_rows(make, full):
    project = make()
    # All rows train, so that the reference is what the service gives.
    frame = project.frame().append_column("side", [["train"] * 400])
    project.create(entity_df=frame, split="column:side", feature_service="all", full_feature_names=full)
    pq.write_table(project.frame("fraud", "amount"), project.path / "today.parquet")
    policy = project.path / "policy.toml"
    policy.write_text("[drift]\nmin_rows = 20\n")
    words = ["--feast", "all", "--entity-df", str(project.path / "today.parquet"), "--policy", str(policy)]
    code, found = asked(project, *words, "--label", "fraud")
    assert (code, found["outcome"], found["by_class"]) == (0, "pass", True)
    assert len({one["feature"] for one in found["features"]}) == 6
    assert all(one["distance"] == 0 and one["rows"][0] == one["rows"][1] for one in found["features"])


def test_a_service_of_fewer_features(make):
    project = make()
    project.create(feature_service="all")
    pq.write_table(project.frame(), project.path / "today.parquet")
    with pytest.raises(DataError, match="--feast 'numbers' has no column 'country' and 3 more"):
        asked(project, "--feast", "numbers", "--entity-df", str(project.path / "today.parquet"))


def test_what_is_not_there(project):
    project.create()
    profile = type("Reference", (), {"cells": {}})()
    for options, error, words in (
        ({}, InvalidInputError, "--feast needs --feast-repo"),
        ({"repo": str(project.path)}, InvalidInputError, "--feast needs --entity-df"),
        ({"repo": str(project.path), "entity_df": "gone.parquet"}, DataError, "gone.parquet"),
    ):
        with pytest.raises(error, match=words):
            list(from_feature_service("numbers", profile, **options))
    with pytest.raises(ContractError, match="nope"):
        list(from_feature_service("nope", profile, repo=str(project.path), entity_df="x.parquet"))
