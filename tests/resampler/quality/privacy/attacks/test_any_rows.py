"""Every attack that guesses rows answers to rows of any kind, the same each time."""

import numpy as np
import pytest

from resampler import SMOTE
from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.attacks.catalog import ATTACKS
from resampler.quality.privacy.exposure import Exposure

EFFORT = Effort()
ROWS = pytest.mark.parametrize("name", [name for name, attack in ATTACKS.items() if attack.kind == "rows"])
UNKNOWING = [name for name, attack in ATTACKS.items() if attack.kind == "rows" and name != "seed"]


@pytest.fixture(scope="module")
def rare():
    """Return synthetic rows, those behind them and others; the first column holds codes, the fourth is constant."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 7))
    rows[:, 0], rows[:, 3] = rng.integers(0, 3, size=60), 2.0
    X = np.concatenate([rng.normal(size=(600, 7)), rows[:40]])
    made = SMOTE(random_state=0).fit_resample(X, np.repeat([0, 1], [600, 40]))[0][len(X) :]
    made[:, 0] = np.round(made[:, 0])
    return made, rows[:40], rows[40:]


def with_nulls(made):
    null = np.random.default_rng(1).random(made.shape) < 0.02
    return np.where(null, np.nan, made)


SPOILT = {
    "nulls": with_nulls,
    "a column of nulls": lambda made: np.where(np.arange(7) == 5, np.nan, made),
    "rows that stand five times": lambda made: np.repeat(made[:50], 5, axis=0),
    "integers": np.round,
    "rows that are all equal": lambda made: np.repeat(made[:1], 50, axis=0),
    "two rows": lambda made: made[:2],
    "no row": lambda made: made[:0],
    "large values": lambda made: made * 1e12,
}


@ROWS
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
@pytest.mark.filterwarnings("error")
def test_rows_of_any_kind_are_answered(rare, name, spoil):
    made, real, held_out = rare
    exposed = Exposure.of(spoil(made), real, held_out, categorical=np.arange(7) == 0)
    found = ATTACKS[name].run(exposed, EFFORT)
    assert found == ATTACKS[name].run(exposed, EFFORT)
    assert found is None or found.exact.of == 40


@pytest.mark.parametrize("name", UNKNOWING)
def test_effort_bounds_the_guesses(rare, name):
    made, real, held_out = rare
    exposed = Exposure.of(made, real, held_out, categorical=np.arange(7) == 0)
    assert ATTACKS[name].run(exposed, Effort(rows=300, neighbors=8, guesses=10)).hits.of <= 10


def test_categories_are_voted_for(rare):
    made, real, held_out = rare
    exposed = Exposure.of(made, real, held_out, categorical=np.arange(7) == 0)
    assert ATTACKS["lines"].run(exposed, EFFORT).exact.share >= 0.8


def test_nulls_do_not_hide_lines(rare):
    made, real, held_out = rare
    exposed = Exposure.of(with_nulls(made), real, held_out, categorical=np.arange(7) == 0)
    assert ATTACKS["lines"].run(exposed, EFFORT).exact.share >= 0.7
