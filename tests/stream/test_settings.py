"""What a worker refuses before it connects."""

import dataclasses

import numpy as np
import pytest

from resampler import Feature, FeatureSchema, Label
from resampler.errors import InvalidInputError
from resampler.parameters import OnlineParameters
from stream import Feed, OutputFormat, Settings
from stream.redis.keys import ShardKeys
from stream.shard.checkpoint import Checkpoint

INEXACT = {
    "int32": Feature("n", "int32"),
    "int64": Feature("n", "int64"),
    "float64": Feature("n", "float64"),
    "float64 that is its own code": Feature("n", "float64", categorical=True),
}
EXACT = (
    Feature("f", "float32"),
    Feature("b", "int8"),
    Feature("s", "int16"),
    Feature("t", "bool"),
    Feature("own code", "int64", categorical=True),
    Feature("listed", "int64", categorical=True, categories=(10, 2**40)),
    Feature("word", "string", categorical=True, categories=("x", "y")),
)


@pytest.mark.parametrize("feature", INEXACT.values(), ids=INEXACT)
def test_a_column_that_would_be_rounded_is_refused_by_name(feature):
    schema = FeatureSchema((*EXACT, feature), Label("y", "int64"))
    with pytest.raises(InvalidInputError, match=rf"'n' \({feature.dtype}\) would be rounded.*--round-to-float32"):
        Settings(schema)
    knowingly = Settings(schema, round_to_float32=True)
    assert "round_to_float32" not in knowingly.new_resampler().parameters


def test_many_are_counted():
    with pytest.raises(InvalidInputError, match=r"'x4' \(int64\) and 7 more would be rounded"):
        Settings(FeatureSchema(tuple(Feature(f"x{j}", "int64") for j in range(12))))


@pytest.mark.parametrize("output_format", ["packed", "arrow", "text"])
def test_every_other_column_comes_out_as_it_went_in(client, server, name, run_worker, output_format):
    schema = FeatureSchema(EXACT, Label("y"))
    label = 2**62 + 1  # a label is an int64 everywhere
    rows = [(1.5, -128, 32767, 1, 2**24, 0, 1), (0.1, 127, -32768, 0, -(2**24), 1, 0)]
    words = [{"listed": (10, 2**40)[row[5]], "word": "xy"[row[6]]} for row in rows]
    for row, coded in zip(rows, words, strict=True):
        client.xadd(name, dict(zip(schema.names, map(str, row), strict=True)) | coded | {"y": label})
    run_worker(name, settings=Settings(schema, output_format=output_format))
    with Feed(server.url, name, idle_s=0.01) as feed:
        batches = list(feed)
    np.testing.assert_array_equal(np.concatenate([batch.X for batch in batches]), np.array(rows, dtype=np.float32))
    assert {value for batch in batches for value in batch.y.tolist()} == {label}


def test_rounding_knowingly_is_no_part_of_the_configuration(client, server, name, run_worker):
    schema = FeatureSchema((Feature("n", "int64"),), Label("y"))
    client.xadd(name, {"n": str(2**24 + 1), "y": "0"})
    settings = Settings(schema, round_to_float32=True)
    run_worker(name, settings=settings)
    with Feed(server.url, name, idle_s=0.01) as feed:
        assert next(iter(feed)).X.tolist() == [[float(2**24)]]
    assert Checkpoint.load(client, ShardKeys(name)).config == settings.new_resampler().config_hash


def test_settings_hold_the_parameters_of_the_resampler():
    settings = Settings(FeatureSchema.numeric(["x"]), ratio=1, quota="poisson", output_format="text", start=0)
    assert settings.parameters == settings.new_resampler().parameters
    assert settings.parameters == OnlineParameters(ratio=1.0, quota="poisson").parameters
    assert (settings.output_format, settings.start) == (OutputFormat.TEXT, "0")
    assert dataclasses.replace(settings, ratio=0.5) == Settings(
        settings.schema, ratio=0.5, quota="poisson", output_format=OutputFormat.TEXT
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": 2.0}, r"ratio must be in \(0, 1\]"),
        ({"capacity": 5}, "capacity must be at least k_neighbors"),
        ({"batch_rows": 0}, "batch_rows must be an integer of at least 1, got 0"),
        ({"max_lag_rows": 0}, "max_lag_rows must be an integer of at least 1, got 0"),
        ({"lease_ttl_ms": 99}, "lease_ttl_ms must be an integer of at least 100, got 99"),
        ({"trim": 1}, "trim must be True or False, got 1"),
        ({"input_format": "avro"}, "input_format must be one of .*'arrow'.*, got 'avro'"),
        ({"start": "soon"}, "start must be 0, tail, an entry ID"),
        ({"start": None}, "start must be 0, tail, an entry ID"),
    ],
)
def test_an_option_that_breaks_its_rule_is_named(options, message):
    with pytest.raises(InvalidInputError, match=message):
        Settings(FeatureSchema.numeric(["x"]), **options)
