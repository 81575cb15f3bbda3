import json

import pytest

from resampler.errors import ResamplerError
from resampler.parameters import FORMER_STRATEGIES
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
    assert written == settings.parameters | {"strategy": "adaptive"}
    assert Checkpoint.load(client, keys).parameters == settings.parameters


def test_another_strategy_is_refused_in_the_words_of_today(client, name, schema, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(50))
    run_worker(name)
    with pytest.raises(ResamplerError, match=r"begun with other settings \(strategy smote -> adasyn\)"):
        run_worker(name, strategy="adasyn")
