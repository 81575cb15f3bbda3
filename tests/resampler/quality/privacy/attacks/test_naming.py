"""Attacks that name whose a synthetic row is: right where something names them, and at chance where nothing does."""

from itertools import pairwise

import numpy as np
import pytest

from resampler import SMOTE
from resampler.metric import label_key
from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.attacks.candidates import attack_candidates
from resampler.quality.privacy.attacks.catalog import ATTACKS
from resampler.quality.privacy.attacks.keys import attack_keys
from resampler.quality.privacy.attacks.names import judge
from resampler.quality.privacy.attacks.times import attack_times, next_to
from resampler.quality.privacy.attacks.values import attack_values
from resampler.quality.privacy.exposure import Exposure, Known, Marks, within
from resampler.samplers import HardenedOverSampler
from resampler.secret import SecretKey

KEY = SecretKey(b"a secret of sixteen bytes")
RARE, OTHERS, COPIES, SEED = 100, 60, 6, 7
N = RARE * COPIES
NAMES = [name for name, attack in ATTACKS.items() if attack.kind == "names"]


class Made:
    """Synthetic rows of a rare class, and the truth about them."""

    def __init__(self, key=None):
        rng = np.random.default_rng(0)
        rows = rng.normal(size=(RARE + OTHERS, 5)).astype(np.float32)
        self.real, self.held_out = rows[:RARE], rows[RARE:]
        X = np.concatenate([rng.normal(size=(N + RARE, 5)).astype(np.float32), self.real])
        y = np.repeat([0, 1], [N + RARE, RARE])
        sampler = SMOTE(random_state=SEED, secret_key=key)
        self.rows = sampler.fit_resample(X, y)[0][len(X) :]
        self.base = sampler.provenance_.base - (N + RARE)
        self.times, self.keys = rng.integers(0, 10**9, len(rows)), 1_000 + rng.permutation(len(rows))
        self.drawn = rng.choice(self.times[:RARE], N)

    def exposed(self, *, times=None, keys=None, candidates=RARE, known=True):
        """Return an exposure whose synthetic rows have these times and keys."""
        marks = {
            name: Marks(of, all_[:RARE], all_[RARE:])
            for name, of, all_ in (("at", times, self.times), ("key", keys, self.keys))
            if of is not None
        }
        return Exposure.of(
            self.rows,
            self.real,
            self.held_out,
            marks=marks,
            time="at" if "at" in marks else None,
            known=Known(SEED, label_key(1), "smote", 5, np.arange(candidates)),
            base=self.base if known else None,
            identity=np.arange(RARE),
        )


@pytest.fixture(scope="module")
def made():
    return Made()


@pytest.mark.parametrize("off", [0, 1, -3])
def test_times_that_are_the_bases_own_or_nearly_name_everyone(made, off):
    found = attack_times(made.exposed(times=made.times[made.base] + off), Effort())
    assert found.named.share == found.claims.share == 1.0
    assert found.chance.share <= 0.02


def test_times_that_are_drawn_name_nobody(made):
    found = attack_times(made.exposed(times=made.drawn), Effort(rows=200))
    assert (found.named.count, found.named.of, found.claims.of) == (0, 200, 0)


def test_an_instant_of_two_rows_names_neither():
    assert next_to(np.array([5, 9, 20, 7]), np.array([5, 5, 9, -1])).tolist() == [-1, 2, 2, -1]
    assert next_to(np.array([5, -1]), np.array([8])).tolist() == [0, -1]
    assert next_to(np.array([5]), np.array([-1])).tolist() == [-1]


def test_without_the_truth_the_nearest_row_counts_as_the_base(made):
    copied, drawn = (
        attack_times(made.exposed(times=times, known=False), Effort()) for times in (made.times[made.base], made.drawn)
    )
    assert copied.named.interval[0] > 0.3 > 0.02 > copied.chance.share
    assert drawn.named.count == 0


def ranked(values):
    rank = np.empty(len(values), dtype=np.int64)
    rank[np.argsort(values, kind="stable")] = np.arange(len(values))
    return rank


@pytest.mark.parametrize(
    "follow",
    [
        lambda own: own,
        lambda own: -own,
        lambda own: own + 1_000_000,
        lambda own: 5_000_000 + ranked(own),
        lambda own: -5_000_000 - ranked(own),
    ],
    ids=["the same", "negative", "an offset", "their order", "their order, backwards"],
)
def test_keys_that_follow_those_of_bases_name_them(made, follow):
    found = attack_keys(made.exposed(keys=follow(made.keys[made.base])), Effort())
    assert found.named.share >= 0.99
    assert found.chance.share <= 0.02


def test_keys_of_rows_that_take_turns_name_them(made):
    order = np.lexsort((made.base, ranked(made.base) - COPIES * made.base))  # turn by turn, each in the same order
    keys = np.empty(N, dtype=np.int64)
    keys[order] = -1 - np.arange(N)
    assert attack_keys(made.exposed(keys=keys), Effort()).named.share >= 0.99


def test_keys_that_number_shuffled_rows_name_nobody(made):
    found = attack_keys(made.exposed(keys=-1 - np.random.default_rng(3).permutation(N)), Effort())
    assert found.named.count == found.claims.of == 0


@pytest.mark.parametrize("candidates", [RARE, 4_200])
def test_who_has_the_seed_and_a_list_names_whose_rows_they_are(made, candidates):
    found = attack_candidates(made.exposed(candidates=candidates), Effort())
    assert found.named.share >= 0.95
    assert found.claims.share >= 0.99


@pytest.mark.parametrize("candidates", [RARE, 4_200])
def test_under_a_secret_key_nobody_is_named(candidates):
    found = attack_candidates(Made(KEY).exposed(candidates=candidates), Effort())
    assert found.named.count <= found.chance.count + 6
    assert found.claims.of <= 0.05 * N


def test_a_value_that_one_row_alone_has_names_it(made):
    city, city_held_out = np.arange(RARE) % 10, np.arange(OTHERS) % 10
    city[[3, 8]], city_held_out[0] = (50, 51), 51  # 50 is of row 3 alone, 51 of another, too
    real, held_out = (np.column_stack([rows, of]) for rows, of in ((made.real, city), (made.held_out, city_held_out)))
    rows = np.column_stack([made.rows, city[made.base]])
    exposed = Exposure.of(rows, real, held_out, categorical=np.arange(6) == 5, base=made.base)
    found = attack_values(exposed, Effort())
    assert found.claims.count == found.claims.of == found.named.count == np.count_nonzero(made.base == 3) > 0
    by_distance = attack_values(Exposure.of(rows, real, held_out, categorical=np.arange(6) == 5), Effort())
    assert 0 < by_distance.named.count <= by_distance.claims.of == found.claims.of
    # A row that is a real one but for its rounding has five such values.
    copied = Exposure.of(made.real[made.base], made.real.astype(np.float64) * (1 + 1e-12), held_out[:, :5])
    assert attack_values(copied, Effort()).named.share == 1.0


def test_hardened_rows_name_nobody(made):
    rng = np.random.default_rng(2)
    rare = np.column_stack([rng.normal(size=(160, 3)), rng.integers(0, 3, size=(160, 2))]).astype(np.float32)
    rare[7, 3] = 39  # of one row alone
    X = np.concatenate([rng.normal(size=(600, 5)).astype(np.float32), rare[:80]])
    sampler = HardenedOverSampler(random_state=0, secret_key=KEY, categorical_features=[3, 4])
    rows = sampler.fit_resample(X, np.repeat([0, 1], [600, 80]))[0][len(X) :]
    known = Known(0, label_key(1), "smote", 5, np.arange(80))
    mask = np.arange(5) >= 3
    exposed = Exposure.of(rows, rare[:80], rare[80:], categorical=mask, known=known, identity=np.arange(80))
    for attack in (attack_candidates, attack_values):
        found = attack(exposed, Effort())
        assert found.named.share <= found.chance.share + 0.01


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [0, 1, 2, 3])
@pytest.mark.parametrize("held_out", [0, 2])
@pytest.mark.parametrize("truth", [True, False])
@pytest.mark.filterwarnings("error")
def test_few_rows_are_answered(name, n, held_out, truth):
    rows = np.random.default_rng(0).normal(size=(n, 3))
    others = np.random.default_rng(1).normal(size=(held_out, 3))
    marks = {key: Marks(np.arange(n), np.arange(n), np.arange(held_out)) for key in ("at", "key")}
    known = Known(0, 1, "smote", 5, np.arange(n))
    for made, real in ((rows, rows), (rows, rows[:1]), (rows[:1], rows)):
        whole = {key: Marks(of.synthetic[: len(made)], of.real[: len(real)], of.held_out) for key, of in marks.items()}
        base = np.zeros(len(made), dtype=np.int64) - (not len(real)) if truth else None
        exposed = Exposure.of(
            made, real, others, marks=whole, time="at", known=known, base=base, identity=np.arange(len(real))
        )
        found = ATTACKS[name].run(exposed, Effort())
        assert (found is None) == (not len(made) or not len(real))
        assert found is None or found.named.of == len(made)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: np.where(np.random.default_rng(1).random(rows.shape) < 0.1, np.nan, rows),
        lambda rows: np.full_like(rows, np.nan),
        np.round,
        lambda rows: np.repeat(rows[:1], len(rows), axis=0),
        lambda rows: rows * 1e12,
    ],
    ids=["nulls", "nothing but nulls", "integers", "equal rows", "large values"],
)
@pytest.mark.filterwarnings("error")
def test_rows_of_any_kind_are_answered_the_same_each_time(made, name, spoil):
    exposed = made.exposed(times=made.drawn, keys=-1 - np.arange(N))
    spoilt = Exposure.of(
        spoil(exposed.synthetic),
        spoil(exposed.real),
        spoil(exposed.held_out),
        marks=exposed.marks,
        time="at",
        known=exposed.known,
        identity=exposed.identity,
    )
    found = ATTACKS[name].run(spoilt, Effort())
    assert found == ATTACKS[name].run(spoilt, Effort())
    assert found.named.of == N


def test_without_marks_or_a_seed_there_is_nothing_to_go_by(made):
    exposed = Exposure.of(made.rows, made.real, made.held_out)
    assert attack_times(exposed, Effort()) is attack_keys(exposed, Effort()) is None
    assert attack_candidates(exposed, Effort()) is None
    known = Known(SEED, label_key(1), "hardened", 5, np.arange(RARE))
    exposed = Exposure.of(made.rows, made.real, made.held_out, known=known, identity=np.arange(RARE))
    assert attack_candidates(exposed, Effort()) is None


@pytest.mark.parametrize("name", NAMES)
def test_effort_bounds_the_rows(made, name):
    exposed = made.exposed(times=made.times[made.base], keys=-made.keys[made.base])
    found = [ATTACKS[name].run(exposed, Effort(rows=rows)).named.of for rows in (50, 300, 10**6)]
    assert found == [50, 300, N]
    assert all(low < high for low, high in pairwise(found))


def test_chance_is_what_dealt_names_come_to():
    truth = np.array([0, 0, 0, 1, -1])
    found = judge(np.array([0, 0, 3, 1, 2]), truth, 3)  # the fourth of three is somebody else
    assert (found.named.count, found.claims.of) == (3, 5)
    assert found.chance.count == round((2 * 3 + 1 * 1) / 5)
    assert judge(np.full(5, -1), truth, 3).chance.count == 0
    assert judge(np.array([0, 0, 0, 1, -1]), truth, 3, control=4.2).chance.count == 4


def test_places_among_chosen_rows():
    assert within(np.array([0, 2, 3, -1]), np.array([False, True, True, False])).tolist() == [-1, 1, -1, -1]
