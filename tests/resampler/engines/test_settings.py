"""What may be said of an engine."""

import pytest

from resampler.engines.settings import ADDRESSES, NAMES, EngineSettings
from resampler.errors import InvalidInputError


@pytest.mark.parametrize(
    ("engine", "address"),
    [
        ("ray", "10.0.0.7:6379"),
        ("ray", "ray://head:10001"),
        ("ray", "auto"),
        ("dask", "tcp://scheduler:8786"),
        ("dask", "tls://scheduler:8786"),
        ("dask", "scheduler:8786"),
        ("spark", "spark://a:7077,b:7077"),
        ("spark", "yarn"),
        ("spark", "k8s://https://host:443"),
        ("spark", "local[4,2]"),
        ("spark", "sc://host:15002/;token=x"),
    ],
)
def test_an_address_is_one_of_its_engine(engine: str, address: str) -> None:
    assert EngineSettings(engine=engine, engine_address=address).engine_address == address
    for other in set(NAMES) - {engine}:
        if other not in ADDRESSES:
            with pytest.raises(InvalidInputError, match="is that of a cluster of engine ray, spark, dask"):
                EngineSettings(engine=other, engine_address=address)
    with pytest.raises(InvalidInputError, match="is that of a cluster of engine"):
        EngineSettings(engine_address=address)


@pytest.mark.parametrize(
    ("engine", "address"), [("ray", "head"), ("ray", "http://head:1"), ("spark", "head:7077"), ("dask", "tcp://host")]
)
def test_what_is_no_address_of_it_is_refused_with_one_that_is(engine: str, address: str) -> None:
    with pytest.raises(InvalidInputError, match=f"engine_address of engine {engine} must be like .*got '{address}'"):
        EngineSettings(engine=engine, engine_address=address)


def test_no_message_shows_a_password() -> None:
    with pytest.raises(InvalidInputError, match="got 'http://host/x'") as caught:
        EngineSettings(engine="spark", engine_address="http://user:hunter2@host/x?token=hunter2")
    assert "hunter2" not in str(caught.value)


def test_inline_is_one_worker() -> None:
    assert EngineSettings(engine="inline", workers=1).workers == 1
    with pytest.raises(InvalidInputError, match="engine inline has one worker, which uses all cores, got workers=2"):
        EngineSettings(engine="inline", workers=2)
