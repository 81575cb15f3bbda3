"""Who knows the seed draws the steps again and solves for real rows; who lacks the secret key finds nothing."""

import numpy as np
import pytest

from resampler import SMOTE
from resampler.metric import label_key
from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.attacks.lines import attack_lines
from resampler.quality.privacy.attacks.seed import attack_seed
from resampler.quality.privacy.exposure import Exposure, Known
from resampler.secret import SecretKey, draw_seed

KEY = SecretKey(b"a secret of sixteen bytes")


def exposed(*, copies=8, seed=123_456_789, supposed=None, noise=0.0, key=None, rare=40, d=5):
    """Return an exposure of a rare class after balancing, and what an attacker supposes of the seed."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(rare + 30, d))
    X = np.concatenate([rng.normal(size=(rare * (copies + 1), d)), rows[:rare]])
    y = np.repeat([0, 1], [rare * (copies + 1), rare])
    made = SMOTE(random_state=seed, secret_key=key).fit_resample(X, y)[0][len(X) :]
    made = made + noise * rng.normal(size=made.shape)
    known = Known(seed if supposed is None else supposed, label_key(1), "smote", 5, np.arange(rare))
    return Exposure.of(made, rows[:rare], rows[rare:], known=known)


@pytest.mark.parametrize("copies", [4, 8, 40])
def test_a_known_seed_gives_the_rows_even_where_there_are_few_copies_of_each(copies):
    found = attack_seed(exposed(copies=copies), Effort())
    assert found.exact.share >= 0.9
    assert found.hits.share >= 0.9
    assert found.exact_control.count == found.near_control.count == 0


def test_it_bears_noise():
    found = attack_seed(exposed(copies=40, noise=0.01), Effort())
    assert found.near.share >= 0.9
    assert found.near_control.count <= 1


@pytest.mark.parametrize("seed", [0, 42, 300])
def test_a_small_seed_is_guessed(seed):
    assert attack_seed(exposed(seed=seed, supposed=2**40), Effort()).exact.share >= 0.9


def test_with_the_seed_known_and_the_key_not_nothing_is_found_beyond_what_needs_no_seed():
    keyed = exposed(key=KEY)
    assert attack_seed(keyed, Effort()).hits.of == 0
    assert attack_lines(keyed, Effort()).exact.share >= 0.5
    assert attack_seed(exposed(key=KEY, supposed=draw_seed(123_456_789, KEY)), Effort()).exact.share >= 0.9


def test_a_wrong_seed_gives_no_guess():
    assert attack_seed(exposed(supposed=2**40), Effort()).hits.of == 0


@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_few_rows_are_answered(n):
    rows = np.random.default_rng(0).normal(size=(n, 3))
    known = Known(0, 1, "smote", 5, np.arange(n))
    found = attack_seed(Exposure.of(rows, rows, rows[:0], known=known), Effort())
    assert found.exact.of == n


def test_without_a_seed_or_with_a_method_of_other_draws_there_is_nothing_to_go_by():
    rows = np.random.default_rng(0).normal(size=(9, 3))
    assert attack_seed(Exposure.of(rows, rows, rows), Effort()) is None
    known = Known(0, 1, "adasyn", 5, np.arange(9))
    assert attack_seed(Exposure.of(rows, rows, rows, known=known), Effort()) is None
