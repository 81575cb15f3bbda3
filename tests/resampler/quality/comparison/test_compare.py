"""What is compared, and what comes of it."""

import json
import time
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from resampler.errors import DataError, InvalidInputError
from resampler.quality import Comparison, compare
from resampler.quality.comparison import cells, remedies
from resampler.quality.comparison.cells import Cell
from resampler.quality.comparison.runner import LearnerWarning

QUICK = {"learners": [GaussianNB()], "remedies": ["random"], "folds": 3, "seeds": 1, "threads": 1}


def rows(counts=(270, 30), apart=1.5, d=2, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    return rng.normal(size=(len(y), d)) + apart * y[:, None], y


def written(found):
    return json.dumps(found.to_dict(), sort_keys=True, allow_nan=False)


@pytest.fixture(scope="module")
def usual():
    X, y = rows(apart=1.2)
    return compare(X, y, learners=["logistic", 'boosting {"max_iter": 5}'], folds=3, seeds=1, costs=(20, 1))


def test_all_that_is_asked_for_is_there(usual):
    assert [learner.name for learner in usual.learners] == [
        "LogisticRegression",
        "HistGradientBoostingClassifier(max_iter=5)",
    ]
    names = [one.name for one in usual.of("LogisticRegression")]
    assert names[:4] == ["nothing", "nothing + threshold", "weights", "weights + threshold"]
    assert len(names) == 2 * len(usual.asked.remedies)
    for one in usual.candidates:
        assert set(one.figures) == {
            "cost", "recall", "precision", "f1", "g_mean", "fpr", "average_precision", "brier", "calibration_error"
        }  # fmt: skip
        assert all(len(figure.values) == 3 for figure in one.figures.values())
        assert bool(one.differences) != one.is_reference
    assert usual.asked.measure == usual.asked.tuned_by == "cost"
    assert len(usual.controls[0].gains) == 2 * (len(usual.asked.remedies) - 1)
    assert {one.feature for one in usual.importance} == {"0", "1"}
    assert [advice.learner for advice in usual.advice] == [None, *(learner.name for learner in usual.learners)]
    assert Comparison.from_dict(json.loads(written(usual))).to_dict() == usual.to_dict()
    assert not usual.left_out


def test_differences_are_paired(usual):
    reference = next(one for one in usual.of("LogisticRegression") if one.is_reference)
    for one in usual.of("LogisticRegression"):
        for name, difference in one.differences.items():
            expected = np.array(one.figures[name].values) - reference.figures[name].values
            np.testing.assert_allclose(difference.values, expected, atol=1e-15)


def test_costs_move_the_threshold_down(usual):
    own, moved = (one for one in usual.of("LogisticRegression") if one.remedy == "nothing")
    assert moved.threshold.mean < 0.3
    assert moved.figures["cost"].mean < own.figures["cost"].mean
    assert usual.recommendation.verdict in ("threshold", "nothing", "remedy")


def test_threads_change_nothing():
    X, y = rows()
    learners = ["logistic", 'boosting {"max_iter": 5}']
    one = compare(X, y, **QUICK | {"learners": learners})
    two = compare(X, y, **QUICK | {"learners": learners, "threads": 3})
    assert written(one) == written(two)


class Stop(BaseException):
    """As a signal would."""


def test_a_run_that_was_cut_goes_on(tmp_path, monkeypatch):
    X, y = rows()
    whole = written(compare(X, y, **QUICK))
    begun = []

    def stop(done, total):
        begun.append(done)
        if len(begun) == 6:
            raise Stop

    with pytest.raises(Stop):
        compare(X, y, **QUICK, store=tmp_path, progress=stop)
    kept = len(list(tmp_path.glob("*.json")))
    assert 3 <= kept < 11
    measured = []
    original = Cell.measure
    monkeypatch.setattr(Cell, "measure", lambda self, bench: measured.append(self) or original(self, bench))
    assert written(compare(X, y, **QUICK, store=tmp_path)) == whole
    assert len(measured) == len(list(tmp_path.glob("*.json"))) - kept
    measured.clear()
    for file in list(tmp_path.glob("*.json"))[:2]:
        file.write_text("{")  # damaged: measured again
    assert written(compare(X, y, **QUICK, store=tmp_path)) == whole
    assert len(measured) == 2
    compare(X + 1e-9, y, **QUICK, store=tmp_path)
    assert len(measured) > 10  # other rows


class Slow(GaussianNB):
    """Takes its time."""

    def fit(self, X, y, sample_weight=None):
        time.sleep(0.01)
        return super().fit(X, y, sample_weight)


def test_time_is_up(tmp_path):
    X, y = rows()
    asked = QUICK | {"learners": [Slow()], "remedies": ["random"], "folds": 5, "seeds": 2}
    found = compare(X, y, **asked, budget_s=1.0, store=tmp_path)
    while not found.parts:  # on a busy machine; what was measured is kept
        found = compare(X, y, **asked, budget_s=1.0, store=tmp_path)
    assert len(found.parts) < 10
    assert f"time was up after {len(found.parts)} of 10 parts" in found.notes
    for one in found.candidates:
        assert len(one.figures["f1"].values) == len(found.parts)  # each on every part that counts
    none = compare(X, y, **asked, budget_s=0)
    assert not none.parts
    assert none.recommendation.verdict == "unknown"
    assert none.recommendation.sentence.startswith("Too little to tell: 0 of 10 parts were measured")
    assert Comparison.from_dict(none.to_dict()).to_dict() == none.to_dict()
    full = compare(X, y, **asked, store=tmp_path)
    assert full.parts[: len(found.parts)] == found.parts
    assert full.candidates[0].figures["f1"].values[: len(found.parts)] == found.candidates[0].figures["f1"].values
    assert written(full) == written(compare(X, y, **asked))


def test_progress_ends_where_it_was_to():
    said = []
    X, y = rows()
    compare(X, y, **QUICK, progress=lambda done, total: said.append((done, total)))
    assert said[-1][0] == said[-1][1] == said[0][1]
    assert said == sorted(said)


def test_a_class_of_many_is_one_against_the_others():
    X, y = rows((200, 80, 40), apart=2.0)
    names = np.array(["ash", "beech", "cedar"])[y]
    found = compare(X, names, **QUICK | {"learners": ["logistic", LinearSVC()]}, positive="beech")
    assert found.asked.positive == "beech"
    assert found.asked.classes == {"ash": 200, "beech": 80, "cedar": 40}
    own = found.of("LogisticRegression")[0]
    assert own.figures["f1"].mean > 0.6
    ranks = found.of("LinearSVC")[0]
    assert ranks.figures["average_precision"].mean > 0.2
    assert np.isnan(ranks.figures["brier"].mean)
    assert np.isnan(ranks.differences["brier"].low)


def test_rows_of_any_kind():
    rng = np.random.default_rng(0)
    X, y = rows(d=3)
    X[:, 2] = rng.integers(0, 3, len(y)) + y
    X[::9, 0] = np.nan
    X[::11, 2] = np.nan
    asked = {"learners": ["logistic", 'boosting {"max_iter": 5}'], "remedies": ["smotenc", "smotenc+enn"]}
    found = compare(X, y, **QUICK | asked, categorical=[2], names=["a", "b", "c"])
    assert found.asked.categorical == ("c",)
    assert "nulls filled with the median and marked" in found.learners[0].preparation
    assert found.learners[1].preparation == "categories and nulls as they are"
    assert not found.left_out


class Picky(GaussianNB):
    """Learns from few rows only."""

    def fit(self, X, y, sample_weight=None):
        if len(y) > 250:
            raise ValueError("too many\nrows")
        warnings.warn("lines\nof text", ConvergenceWarning, stacklevel=2)
        return super().fit(X, y, sample_weight)


class Plain(ClassifierMixin, BaseEstimator):
    """Takes no weights, and answers the same to all."""

    def fit(self, X, y):  # noqa: ARG002
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_what_fails_is_left_out_and_said():
    X, y = rows()
    with pytest.warns(LearnerWarning, match="learners that were compared warned: ConvergenceWarning: lines$"):
        found = compare(X, y, **QUICK | {"learners": [Picky(), Plain()], "remedies": ["random", "weights"]})
    assert {(one.what, one.why) for one in found.left_out} == {
        ("weights under Plain", "the learner takes no weights (sample_weight)"),
        ("random under Picky", "too many rows"),
    }
    assert [one.remedy for one in found.of("Picky")] == ["nothing", "nothing", "weights", "weights"]
    assert next(advice for advice in found.advice if advice.learner == "Plain").verdict == "unknown"
    with pytest.warns(LearnerWarning, match="failed to converge"):
        short = compare(X, y, **QUICK | {"learners": ['logistic {"max_iter": 2}']})
    assert short.notes == (
        "LogisticRegression(max_iter=2) ran out of iterations in 6 of 6 measurements: give it more (max_iter)",
    )
    with pytest.raises(DataError, match="no learner can learn from these rows: Picky: too many rows"):
        compare(*rows((900, 90)), **QUICK | {"learners": [Picky()]})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"learners": []}, "learners must name one learner at least"),
        ({"folds": 1}, "folds must be an integer of 2 or more, got 1"),
        ({"seeds": 0}, "seeds must be an integer of 1 or more"),
        ({"max_rows": 5}, "max_rows must be an integer of 100 or more"),
        ({"budget_s": -1}, "budget_s must be 0 seconds or more"),
        ({"threads": 0}, "threads must be 1 or more"),
        ({"ratio": 2.0}, "ratio must be in"),
        ({"measure": "auc"}, "measure must be one of recall, .*, got 'auc'"),
        ({"measure": "cost"}, "got 'cost': give costs"),
        ({"tuned_by": "brier"}, "thresholds can be moved for precision, f1, g_mean, got 'brier'"),
        ({"costs": (1, 0)}, "costs must be above 0, got 1 and 0"),
        ({"costs": "many"}, "costs must be two numbers"),
        ({"remedies": ["magic"]}, "a remedy is one of"),
        ({"learners": ["magic"]}, "a learner is one of"),
        ({"positive": 7}, "positive 7 is no class of these rows: they have 0, 1"),
    ],
)
def test_what_is_no_question(more, said):
    with pytest.raises(InvalidInputError, match=said):
        compare(*rows(), **QUICK | more)


def test_too_few_of_a_class():
    with pytest.raises(DataError, match="a comparison needs 10 rows of class '1', got 2: gather more rows"):
        compare(*rows((300, 2)), **QUICK)
    with pytest.raises(DataError, match="needs two classes, got 0 only"):
        compare(*rows((300,)), **QUICK)
    with pytest.raises(
        DataError, match="got 2: gather more rows; 100 of 5,100 rows were used, 2 of them of class '1': allow more"
    ):
        compare(*rows((5000, 100)), **QUICK, max_rows=100)


def test_many_rows_are_sampled_and_said():
    found = compare(*rows((4500, 500)), **QUICK, max_rows=600)
    assert (found.asked.rows, found.asked.rows_used, found.asked.positives_used) == (5000, 600, 60)
    said = "600 of 5,000 rows were used, 60 of them of class '1'"
    assert f"{said}: more of them (--max-rows, `max_rows`) take longer and tell more" in found.notes


def test_nothing_alone_and_the_last_seed():
    X, y = rows()
    found = compare(X, y, **QUICK | {"remedies": [], "seeds": 2}, seed=2**64 - 1)
    assert [part.seed for part in found.parts] == [2**64 - 1] * 3 + [0] * 3
    assert [one.name for one in found.candidates] == ["nothing", "nothing + threshold"]
    assert found.controls[0].gains == ()
    assert found.recommendation.verdict in ("threshold", "nothing")


def test_groups_and_times():
    X, y = rows((270, 60))
    rng = np.random.default_rng(3)
    found = compare(X, y, **QUICK, groups=rng.integers(0, 50, len(y)))
    assert found.asked.split == "groups"
    later = compare(X, y, **QUICK | {"seeds": 2}, times=rng.permutation(len(y)))
    assert later.asked.split == "times"
    assert [part.fold for part in later.parts] == [0, 1, 2, 0, 1, 2]
    assert later.parts[0].n_train < later.parts[2].n_train


def test_a_label_among_the_features_is_named():
    X, y = rows((270, 30))
    found = compare(np.column_stack([X, 3.0 * y]), y, **QUICK | {"learners": ["tree"]}, names=["a", "b", "answer"])
    assert found.recommendation.verdict == "nothing"
    assert "leave the threshold where it is: no other threshold decides otherwise. random does no better" in (
        found.recommendation.sentence
    )
    assert [note.partition(": ")[2] for note in found.notes] == [
        "see first whether a feature gives the label away; it goes by answer most"
    ]


def test_noise_is_told_from_nothing():
    rng = np.random.default_rng(0)
    found = compare(rng.normal(size=(300, 3)), np.arange(300) < 40, **QUICK | {"remedies": ["smote", "weights"]})
    assert found.recommendation.verdict == "unknown"
    assert "not shown to be better than chance" in found.recommendation.sentence
    assert not any(one.recommended for one in found.candidates)


class Crowd(ClassifierMixin, BaseEstimator):
    """Scores by the share of the positive class in a cell: learns only where its cells are crowded."""

    def __init__(self, fewest=8):
        self.fewest = fewest

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        at = np.floor(X[:, 0]).astype(int)
        self.shares_ = {
            cell: y[at == cell].mean() for cell in np.unique(at) if (y[at == cell] == 1).sum() >= self.fewest
        }
        return self

    def predict_proba(self, X):
        chance = np.array([self.shares_.get(cell, 0.0) for cell in np.floor(X[:, 0]).astype(int)])
        chance += 1e-6 * np.tanh(X[:, 0])
        chance = np.clip(chance, 0, 1)
        return np.column_stack([1 - chance, chance])

    def predict(self, X):
        return (self.predict_proba(X)[:, 1] > 0.5).astype(int)


def clusters(seed=0):
    """The rare class lives in many small clusters, each too small for a learner that wants crowds."""
    rng = np.random.default_rng(seed)
    cells = np.arange(15) * 4
    rare = np.concatenate([cell + 0.1 + 0.8 * rng.random(6) for cell in cells])
    common = rng.uniform(0, 60, 900)
    common = common[~np.isin(np.floor(common), cells[: len(cells) // 1])][:700]
    X = np.concatenate([common, rare])[:, None]
    return X, np.repeat([0, 1], [len(common), len(rare)])


def test_a_remedy_that_helps_is_recommended():
    X, y = clusters()
    found = compare(
        X, y, learners=[make_pipeline("passthrough", Crowd())], remedies=["random", "undersample"], folds=5, seeds=2
    )
    assert found.recommendation.verdict == "remedy", found.recommendation
    assert found.recommendation.remedy == "random"
    assert "use random" in found.recommendation.sentence
    assert found.controls[0].best < 0.3
    undersampled = [one for one in found.candidates if one.remedy == "undersample"]
    assert not any(one.recommended for one in undersampled)


class Wavering(GaussianNB):
    """Its scores waver with the order of the rows that it learns from, and mean nothing by it."""

    def fit(self, X, y, sample_weight=None):
        self.wavering_ = np.random.default_rng(int(abs(X[0].sum()) * 1e9) % 2**32).normal(size=X.shape[1] + 1)
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        odds = np.log(super().predict_proba(X)[:, 1] + 1e-12) + np.sin(7 * X @ self.wavering_[1:] + self.wavering_[0])
        chance = 1 / (1 + np.exp(-odds))
        return np.column_stack([1 - chance, chance])


@pytest.mark.slow
def test_luck_is_not_recommended(monkeypatch):
    """Remedies that are nothing, in other orders of the rows: of 100 comparisons fewer than 5 recommend one."""

    def other_order(number):
        def apply(training):
            return training.take(np.random.default_rng([training.seed, number]).permutation(len(training.y)))

        return remedies.Remedy(f"order-{number}", apply)

    orders = {f"order-{number}": other_order(number) for number in range(4)}
    monkeypatch.setattr(remedies, "PLAIN", remedies.PLAIN | orders)
    monkeypatch.setattr(cells, "split_again", lambda *_: [])  # no threshold is sought: ranks alone decide
    recommended = 0
    for seed in range(100):
        X, y = rows((160, 40), seed=seed)
        asked = QUICK | {"learners": [Wavering()], "remedies": list(orders), "seed": seed}
        recommended += compare(X, y, **asked).recommendation.verdict == "remedy"
    assert recommended < 5
