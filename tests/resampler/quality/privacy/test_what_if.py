"""What would lower what attacks find, on the same real rows."""

import numpy as np
import plain_attacks
import pytest

from resampler import SMOTE
from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.audit import audit_classes
from resampler.quality.privacy.exposure import Exposure
from resampler.quality.privacy.what_if import Making, lower


@pytest.fixture
def made(monkeypatch):
    plain_attacks.use(monkeypatch)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, 4)).astype(np.float32), np.repeat([0, 1], [540, 60])
    grown, _ = SMOTE(random_state=1).fit_resample(X, y)
    exposed = Exposure.of(grown[600:], X[y == 1], rng.normal(size=(100, 4)), name="1")
    return exposed, Making(X.astype(np.float64), y.astype(str), np.zeros(4, dtype=bool), "smote", 5, 1)


def test_fewer_copies_a_key_and_hardened(made):
    exposed, making = made
    found = audit_classes([exposed])
    lowered = lower([exposed], found.attempts, making, Effort())
    assert [one.option for one in lowered] == [
        "1.5 synthetic rows a real one (ratio 0.28)",
        "a secret key",
        "the method hardened",
    ]
    assert [one.copies for one in lowered] == [1.5, 8.0, 8.0]
    fewer, keyed, hardened = (one.after[1].result for one in lowered)
    was = found.attempts[1].result
    assert was.auc > 0.9
    assert fewer.auc < was.auc
    assert abs(keyed.auc - was.auc) < 0.05
    assert hardened.auc < 0.65
    assert lowered[0].to_dict()["attacks"]["nearness"]["after"]["auc"] == fewer.auc


def test_what_is_so_already_is_not_tried(made):
    exposed, making = made
    found = audit_classes([exposed])
    lowered = lower([exposed], found.attempts, making._replace(method="hardened", keyed=True), Effort())
    assert [one.option[:26] for one in lowered] == ["1.5 synthetic rows a real "]


def test_a_class_that_is_too_small_says_so(made):
    exposed, making = made
    few = Exposure.of(exposed.synthetic, exposed.real[:8], exposed.held_out, name="1")
    making = making._replace(X=np.concatenate([making.X[:540], few.real]), y=making.y[:548])
    hardened = lower([few], audit_classes([few]).attempts, making, Effort())[-1]
    assert (hardened.option, hardened.after) == ("the method hardened", ())
    assert "group" in hardened.why
