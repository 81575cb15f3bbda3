import sys
from itertools import islice

import numpy as np
import pytest
from river import linear_model
from sklearn.linear_model import SGDClassifier

from resampler import ClassWindow
from resampler.errors import InvalidInputError, MissingExtraError
from stream import Feed
from stream.adapters import iterable_dataset, learn_many, loader_batches, partial_fit
from stream.redis.keys import shard_keys


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


def test_a_window_counts_what_was_learned_and_is_saved_with_it(server, filled, schema):
    saved = []

    def save(model, cursors):
        saved.append((dict(cursors), window.to_bytes()))

    window = ClassWindow(10_000)
    with Feed(server.url, filled, name="a", idle_s=0.01) as feed:
        rows = partial_fit(SGDClassifier(random_state=0), feed, [0, 1], save=save, window=window)
    with Feed(server.url, filled, name="b", idle_s=0.01) as feed:
        batches = list(feed)
    real, every = (np.concatenate(part) for part in zip(*((b.y[~b.is_synthetic], b.y) for b in batches), strict=True))
    assert window.real == dict(enumerate(np.bincount(real).tolist()))
    assert window.trained == dict(enumerate(np.bincount(every).tolist()))
    assert sum(window.trained.values()) == rows > sum(window.real.values()) == 500
    assert window.correct([0.5])[0] < 0.5
    # From the middle on, with what was saved there.
    cursors, state = saved[len(saved) // 2]
    again = ClassWindow.from_bytes(state)
    with Feed(server.url, filled, name="c", idle_s=0.01, cursors=cursors) as feed:
        learn_many(linear_model.LogisticRegression(), feed, schema.names, window=again)
    assert again.to_bytes() == window.to_bytes()


def test_a_window_of_an_under_sampled_stream_says_what_it_lacks(client, server, name, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(500))
    run_worker(name, undersample=0.5)
    window = ClassWindow(10_000)
    with Feed(server.url, name, idle_s=0.01) as feed:
        assert feed.undersample is None
        with pytest.warns(UserWarning, match=r"under-sampled \(to 0.5\) and the feed hands out no row"):
            partial_fit(SGDClassifier(random_state=0), feed, [0, 1], window=window)
        assert feed.undersample == 0.5
    assert sum(window.real.values()) < 500


@pytest.fixture
def three(client, name, make_rows, add_text, run_worker, server):
    """Make feeds of some of three filled shards."""
    for i, keys in enumerate(shard_keys(name, 3)):
        add_text(client, keys.input, *make_rows(300, seed=i))
    run_worker(name, shards=3)

    def make(shards, cursors=None):
        return Feed(server.url, name, shards=3, only=shards, cursors=cursors, idle_s=0.01)

    return make


def _ids(pairs):
    return [batch.row_id.tolist() for batch, _ in pairs]


@pytest.mark.parametrize("n_workers", [1, 2, 3, 5])
def test_loaders_share_the_shards_and_go_on_exactly_where_they_were(three, n_workers):
    whole = sorted(_ids(loader_batches(three, 3)))
    loaders = [loader_batches(three, 3, worker, n_workers) for worker in range(n_workers)]
    first, places = [], {}
    for at, loader in enumerate(loaders):  # each is broken off somewhere else
        for batch, cursors in islice(loader, 5 * at + 3):
            first.append((batch, cursors))
            places |= cursors
        loader.close()
    rest = list(loader_batches(lambda shards: three(shards, places), 3))
    assert sorted(_ids(first) + _ids(rest)) == whole
    assert 0 < len(first) < len(whole)


def test_a_loader_that_is_none_is_refused(three):
    with pytest.raises(InvalidInputError, match="worker must be from 0 to n_workers - 1 = 1, got 2"):
        next(loader_batches(three, 3, 2, 2))


def test_without_torch_the_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match="pip install torch"):
        iterable_dataset(lambda _: None)
