import json
from dataclasses import replace

import pytest

from resampler import FeatureSchema
from resampler.errors import ResamplerError
from resampler.parameters import FORMER_STRATEGIES, to_saved
from resampler.state import dump_state, load_state
from stream import Settings
from stream.redis.keys import ShardKeys
from stream.shard.checkpoint import Checkpoint

RENAMED = [*FORMER_STRATEGIES.items(), *((today, former) for former, today in FORMER_STRATEGIES.items())]


@pytest.mark.filterwarnings("ignore:strategy:DeprecationWarning")
@pytest.mark.parametrize("snapshot_rows", [100, 10**6], ids=["from a snapshot", "by replay"])
@pytest.mark.parametrize(("begun", "resumed"), RENAMED)
def test_a_stream_goes_on_under_the_other_name_of_its_strategy(
    client, name, schema, make_rows, add_text, run_worker, read_raw, begun, resumed, snapshot_rows
):
    X, y = make_rows(600)
    options = {"ratio": 0.5, "seed": 1, "snapshot_rows": snapshot_rows, "linger_ms": 1}
    whole = f"{name}-whole"
    add_text(client, whole, X, y)
    run_worker(whole, settings=Settings(schema, strategy=begun, **options))
    add_text(client, name, X[:300], y[:300])
    run_worker(name, settings=Settings(schema, strategy=begun, **options))
    add_text(client, name, X[300:], y[300:], first=301)
    run_worker(name, settings=Settings(schema, strategy=resumed, **options))
    assert read_raw(client, name) == read_raw(client, whole)


def test_a_checkpoint_keeps_the_words_of_earlier_releases(client, name, schema, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(50))
    settings = Settings(schema, strategy="adasyn")
    run_worker(name, settings=settings)
    keys = ShardKeys(name)
    written = json.loads(client.hget(keys.checkpoint, "parameters"))
    assert written == to_saved(settings.parameters) | {"strategy": "adaptive"}
    assert Checkpoint.load(client, keys).parameters == settings.parameters


def test_a_stream_begun_with_an_advance_that_did_nothing_goes_on_without(
    client, name, schema, make_rows, add_text, run_worker, read_raw
):
    X, y = make_rows(600)
    settings = Settings(schema, ratio=0.5, linger_ms=1, snapshot_rows=100)
    whole, keys = f"{name}-whole", ShardKeys(name)
    add_text(client, whole, X, y)
    run_worker(whole, settings=settings)
    add_text(client, name, X[:300], y[:300])
    run_worker(name, settings=settings)
    idle = {"advance": 0.5}  # as earlier releases took it, in the parameters and the saved state
    parameters = json.loads(client.hget(keys.checkpoint, "parameters")) | idle
    client.hset(keys.checkpoint, mapping={"parameters": json.dumps(parameters, sort_keys=True), "config": "another"})
    meta, arrays = load_state("OnlineResampler", client.hget(keys.snapshot, "state"))
    client.hset(keys.snapshot, "state", dump_state("OnlineResampler", meta | idle, arrays))
    add_text(client, name, X[300:], y[300:], first=301)
    run_worker(name, settings=settings)
    assert read_raw(client, name) == read_raw(client, whole)


def test_another_strategy_is_refused_in_the_words_of_today(client, name, schema, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(50))
    run_worker(name)
    with pytest.raises(ResamplerError, match=r"begun with other settings \(strategy smote -> adasyn\)"):
        run_worker(name, strategy="adasyn")


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"nullable": ["b"]}, r"the contract: nulls of 'b' 'refuse' -> 'inherit'"),
        ({"grids": {"a": 0.5}}, r"the contract: grid of 'a' None -> Grid\(step=0.5"),
    ],
)
def test_a_contract_that_learned_of_nulls_or_grids_is_refused_by_name(
    client, name, schema, make_rows, add_text, run_worker, rules, message
):
    add_text(client, name, *make_rows(50))
    run_worker(name)
    with pytest.raises(ResamplerError, match=message):
        run_worker(name, settings=Settings(schema.with_rules(**rules)))


def test_a_contract_whose_numbers_are_written_otherwise_is_said_to_be(
    client, name, schema, make_rows, add_text, run_worker
):
    add_text(client, name, *make_rows(50))
    run_worker(name)
    other = FeatureSchema(tuple(replace(feature, scale=1) for feature in schema.features), schema.label)
    assert other == schema
    with pytest.raises(ResamplerError, match=r"the contract: equal numbers, written otherwise, such as 1 for 1.0"):
        run_worker(name, settings=Settings(other))
