import sys

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

from resampler.errors import MissingExtraError
from stream import Feed
from stream.adapters import iterable_dataset, learn_many, partial_fit


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
    class Model:
        rows = 0

        def learn_many(self, X, y):
            assert list(X.columns) == list(schema.names)
            assert len(X) == len(y)
            self.rows += len(y)

    model = Model()
    with Feed(server.url, filled, idle_s=0.01) as feed:
        assert learn_many(model, feed, schema.names) == model.rows > 500


def test_without_torch_the_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match="pip install torch"):
        iterable_dataset(lambda _: None)
