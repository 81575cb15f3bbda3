import inspect
import json
from dataclasses import MISSING, fields

import numpy as np
import pytest

from resampler import FeatureSchema, InvalidInputError, OnlineResampler
from resampler.parameters import (
    FORMER_STRATEGIES,
    LATER,
    PARAMETERS,
    SAVED_WORDS,
    STRATEGIES,
    OnlineParameters,
    from_saved,
    to_saved,
)

SCHEMA = FeatureSchema.numeric(["a", "b"])
# What earlier releases hashed and wrote, under the strategies' former names.
HASHES = {
    "smote": "62e0fcb13565297dd7d1ea26dcb4051cf3b2c619dbeb6628b3b6ba304564bf33",
    "borderline": "52f0a67b0b873804ce5bc754c94617559e5cded261c541d98f242f9b6d126c9d",
    "adasyn": "e9c19839856cdeb80cb53e7c330f496e66e2947f191dad86bf8f164749fb3b9f",
}


def test_the_resampler_takes_the_parameters_of_the_record():
    """The signature is written out, so that editors show it; it must not part from the record."""
    schema, *signature = inspect.signature(OnlineResampler).parameters.values()
    assert (schema.name, schema.default) == ("schema", inspect.Parameter.empty)
    taken = [(parameter.name, parameter.default, parameter.annotation) for parameter in signature]
    assert taken == [(field.name, field.default, field.type) for field in fields(OnlineParameters)]
    assert all(field.default is not MISSING for field in fields(OnlineParameters))
    for name in PARAMETERS:
        assert f"\n    {name} : " in OnlineResampler.__doc__


def test_the_resampler_and_the_record_hold_the_same_values():
    parameters = {"ratio": 1, "k_neighbors": np.int16(3), "undersample": 0.5, "quota": "poisson", "seed": 2**64 - 1}
    record, resampler = OnlineParameters(**parameters), OnlineResampler(SCHEMA, **parameters)
    assert resampler.parameters == record.parameters == {name: getattr(resampler, name) for name in PARAMETERS}
    assert json.loads(json.dumps(record.parameters)) == record.parameters
    assert OnlineResampler(SCHEMA, **record.parameters).config_hash == resampler.config_hash


def test_capacity_must_hold_a_base_and_its_neighbours():
    with pytest.raises(InvalidInputError, match=r"capacity must be at least k_neighbors \+ 1 = 6, got 5"):
        OnlineParameters(capacity=5)


@pytest.mark.parametrize("strategy", HASHES)
def test_the_hash_is_that_of_earlier_releases(strategy):
    assert OnlineResampler(SCHEMA, strategy=strategy, ratio=1, seed=7).config_hash == HASHES[strategy]


@pytest.mark.parametrize(("former", "today"), FORMER_STRATEGIES.items())
def test_a_former_strategy_is_the_same_one(former, today):
    with pytest.warns(DeprecationWarning, match=f"strategy: '{former}' is called '{today}' now") as caught:
        old = OnlineResampler(SCHEMA, strategy=former)
    assert caught[0].filename == __file__
    new = OnlineResampler(SCHEMA, strategy=today)
    assert old.strategy == new.strategy == OnlineResampler.from_bytes(old.to_bytes()).strategy == today
    assert (old.config_hash, old.to_bytes()) == (new.config_hash, new.to_bytes())
    saved = SAVED_WORDS["strategy"].get(today, today)
    assert f'"strategy": "{saved}"'.encode() in old.to_bytes()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_saved_is_read_back(strategy):
    parameters = OnlineParameters(strategy=strategy).parameters
    assert from_saved(to_saved(parameters)) == parameters
    assert to_saved(to_saved(parameters)) == to_saved(parameters)
    assert from_saved({}) == LATER
