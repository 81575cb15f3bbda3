import sys

import numpy as np
import pytest
from river import linear_model
from sklearn.linear_model import SGDClassifier

from resampler.errors import MissingExtraError
from stream import Feed
from stream.adapters import iterable_dataset, learn_many, partial_fit
from stream.keys import shard_keys


@pytest.fixture
def filled(client, name, make_rows, add_text, run_worker):
    X, y = make_rows(500)
    add_text(client, name, X, y)
    run_worker(name)
    return name


def test_training_that_is_broken_off_goes_on_exactly_once(server, filled):
    with Feed(server.url, filled, name="whole", idle_s=0.01) as feed:
        whole = SGDClassifier(random_state=0)
        rows = partial_fit(whole, feed, [0, 1])

    saved = {}

    def save(model, cursors):
        saved["coef"], saved["cursors"] = (model.coef_.copy(), model.intercept_.copy(), model.t_), dict(cursors)
        if len(seen := saved.setdefault("seen", [])) == 4:
            raise KeyboardInterrupt  # behind the save, before the commit
        seen.append(1)

    model = SGDClassifier(random_state=0)
    with Feed(server.url, filled, name="parts", idle_s=0.01) as feed, pytest.raises(KeyboardInterrupt):
        partial_fit(model, feed, [0, 1], save=save)
    with Feed(server.url, filled, name="parts", idle_s=0.01, cursors=saved["cursors"]) as feed:
        partial_fit(model, feed, [0, 1])
    np.testing.assert_array_equal(model.coef_, whole.coef_)
    assert rows > 500


def test_river(server, filled, schema):
    model = linear_model.LogisticRegression()
    with Feed(server.url, filled, idle_s=0.01) as feed:
        rows = learn_many(model, feed, schema.names)
    assert rows > 500
    assert set(model.weights) == set(schema.names)
    assert all(weight > 0 for weight in model.weights.values())  # the minority lies in the positive direction
    with Feed(server.url, filled, idle_s=0.01) as feed:  # all of it is committed
        assert list(feed) == []


def test_torch_loaders_share_the_shards_and_say_where_they_are(server, client, name, make_rows, add_text, run_worker):
    data = pytest.importorskip("torch.utils.data")
    for i, keys in enumerate(shard_keys(name, 3)):
        add_text(client, keys.input, *make_rows(300, seed=i))
    run_worker(name, shards=3)

    def make(shards, cursors=None):
        return Feed(server.url, name, shards=3, only=shards, cursors=cursors, idle_s=0.01)

    whole = list(data.DataLoader(iterable_dataset(make, 3), batch_size=None))
    places = {}
    loader = data.DataLoader(iterable_dataset(make, 3, cursors=True), batch_size=None, num_workers=2)
    first = []
    for i, (X, _, cursors) in enumerate(loader):
        first.append(X)
        places |= cursors
        if i == 20:
            break
    rest = list(data.DataLoader(iterable_dataset(lambda s: make(s, places), 3), batch_size=None))
    assert sorted(len(X) for X, _ in whole) == sorted([*map(len, first), *(len(X) for X, _ in rest)])


def test_without_torch_the_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match="pip install torch"):
        iterable_dataset(lambda _: None)
