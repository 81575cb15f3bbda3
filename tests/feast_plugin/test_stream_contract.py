"""The contract that a stream takes from a feature service."""

import json
import subprocess
import sys

import numpy as np
import pytest
from feast import FeatureService, FeatureView, Field
from feast.types import Array, Float32, Int64, String

from feast_plugin.stream_contract import from_feature_service
from resampler import FeatureSchema
from resampler.errors import ContractError, InvalidInputError
from resampler.grids import Grid
from resampler.schema import Feature, Label
from stream import EmbeddedServer
from stream.redis.connection import connect


def _read(project, service, label):
    return from_feature_service(str(project.path), service, label)


def test_names_types_and_order_are_the_services(project):
    assert _read(project, "numbers", "fraud") == FeatureSchema(
        (Feature("amount", "float64"), Feature("score", "float32")), Label("fraud")
    )
    assert _read(project, "numbers", "score").names == ("amount",)


def test_what_a_stream_must_know_beforehand_stands_in_tags(project):
    with pytest.raises(ContractError, match=r"mixed:country is a String.* tag it categories"):
        _read(project, "all", "fraud")
    with pytest.raises(ContractError, match="verdict is a String"):
        _read(project, "numbers", "verdicts:verdict")
    source = project.store.get_feature_view("mixed").batch_source
    view = FeatureView(
        name="tagged",
        entities=[project.store.get_entity("customer")],
        source=source,
        schema=[
            Field(name="country", dtype=String, tags={"categories": "CH,DE,FR,US"}),
            Field(name="emb", dtype=Array(Float32), tags={"width": "3", "nulls": "inherit", "grid": "0.25"}),
            Field(name="visits", dtype=Int64, tags={"semantic": "categorical"}),
            Field(name="verdict", dtype=String, tags={"categories": "good,bad"}),
        ],
    )
    project.store.apply([view, FeatureService(name="tagged", features=[view])])
    schema = _read(project, "tagged", "verdict")
    assert schema.names == ("country", "emb[0]", "emb[1]", "emb[2]", "visits")
    assert schema.features[0].categories == ("CH", "DE", "FR", "US")
    assert schema.features[4].categorical
    assert schema.nullable_mask.tolist() == [False, True, True, True, False]
    assert schema.grids == (None, Grid(0.25), Grid(0.25), Grid(0.25), None)
    assert schema.label == Label("verdict", "string", ("good", "bad"))


def test_a_service_or_a_label_that_is_not_there(project):
    with pytest.raises(InvalidInputError, match="'nobody' is not in project 'shop'; it has all, numbers"):
        _read(project, "nobody", "fraud")


def test_a_worker_runs_under_it(project, start_command):
    rng = np.random.default_rng(0)
    with EmbeddedServer() as server, connect(server.url) as client:
        for i in range(60):
            row = {"amount": str(rng.normal()), "score": str(np.float32(rng.normal())), "fraud": int(i % 5 == 0)}
            client.xadd("fraud", row)
        arguments = ("--feature-service", "numbers", "--repo", project.path, "--label", "fraud", "--ratio", "0.9")
        command = (
            "stream", "run", "--url", server.url, "--stream", "fraud", *arguments,
            "--until-idle", "0.2", "--metrics-port", "0", "--json",
        )  # fmt: skip
        _, err = start_command(*command, code=2)
        assert "columns 'amount' (float64) would be rounded" in err
        out, err = start_command(*command, "--round-to-float32")
    report = json.loads(out)
    assert (report["rows"], report["rejected"]) == (60, 0), err
    assert report["synthetic"] > 0


@pytest.fixture
def start_command():
    def run(*arguments, code=0):
        command = [sys.executable, "-c", "from resampler.cli import main; main()", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    return run
