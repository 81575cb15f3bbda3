"""Are probabilities after the correction those of a model that was trained without resampling?

python bench/calibration.py DIR [--sets mammography,...] [--learners logistic,...] [--grid off|auto] [--repeats 2]

DIR holds the sets of `SETS` as Parquet. Five folds, repeated; each model is trained on the other four: without
resampling, and on rows that SMOTE has balanced (ratio 1, the farthest from the real shares). The latter's probabilities
are taken as they are, corrected by the prior, and by `PriorCorrection(method="auto")`. Numeric columns, scaled; at most
20,000 rows of a set. Differences to the model without resampling, with 95 % intervals over folds that allow for the
overlap of their training rows (Nadeau and Bengio 2003, doi:10.1023/A:1024068626366).
"""

from __future__ import annotations

import time
import warnings
from collections import Counter
from pathlib import Path

import click
import numpy as np
import pandas as pd
from imblearn.pipeline import make_pipeline
from scipy.stats import t
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from resampler import SMOTE, PriorCorrection
from resampler.quality.measures import MEASURES

SETS = {
    "mammography": ("classic_mammography", "class", "1"),
    "phoneme": ("classic_phoneme", "class", "1"),
    "page-blocks0": ("keel/page_blocks0", None, "positive"),
    "ai4i2020": ("ai4i2020", "machine_failure", "1"),
    "bank": ("bank_additional_full", "y", "yes"),
    "adult": ("adult", "income", ">50K"),
    "pima": ("keel/pima", None, "positive"),
}
LEAKS = {"twf", "hdf", "pwf", "osf", "rnf", "udi", "uid"}  # ai4i2020: what failed, and row numbers
LEARNERS = {
    "logistic": LogisticRegression(max_iter=1_000),
    "boosting": HistGradientBoostingClassifier(max_iter=100, random_state=0),
    "5-NN": KNeighborsClassifier(),
    "tree": DecisionTreeClassifier(max_depth=8, random_state=0),
}
ROWS = 20_000
FOLDS = 5
WITHIN = 0.005
KINDS = ("as it is", "prior", "auto")
SCORES = ("brier", "calibration_error")


def load(directory: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    file, label, positive = SETS[name]
    table = pd.read_parquet(directory / f"{file}.parquet")
    label = label or table.columns[-1]
    y = (table[label].astype(str).str.strip() == positive).to_numpy(dtype=int)
    X = table.drop(columns=[label, *(LEAKS & {*table.columns})]).select_dtypes("number")
    X = X.fillna(X.median()).to_numpy(dtype=float)
    if len(y) > ROWS:
        kept = np.random.default_rng(0).permutation(len(y))[:ROWS]
        X, y = X[kept], y[kept]
    return X, y


def interval(differences: list[float]) -> tuple[float, float]:
    """Return mean and half width of the interval of differences over folds."""
    d, n = np.array(differences), len(differences)
    spread = d.var(ddof=1) * (1 / n + 1 / (FOLDS - 1))
    return float(d.mean()), float(t.ppf(0.975, n - 1) * spread**0.5)


def measure(X: np.ndarray, y: np.ndarray, learner: object, grid: str, repeats: int) -> tuple[dict, Counter]:
    """Return scores of every fold by kind of probabilities, and which method was taken how often."""
    scores: dict[tuple[str, str], list[float]] = {}
    taken: Counter = Counter()
    folds = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=repeats, random_state=0)
    for seed, (train, test) in enumerate(folds.split(X, y)):
        plain = make_pipeline(StandardScaler(), learner).fit(X[train], y[train])
        balanced = make_pipeline(StandardScaler(), SMOTE(random_state=seed, grid=grid), learner)
        model = PriorCorrection(balanced, method="auto").fit(X[train], y[train])
        taken[model.method_] += 1
        raw = model.estimator_.predict_proba(X[test])
        kinds = {
            "nothing": plain.predict_proba(X[test]),
            "as it is": raw,
            "prior": model.correct(raw),
            "auto": model.predict_proba(X[test]),
        }
        for kind, proba in kinds.items():
            for score in SCORES:
                scores.setdefault((kind, score), []).append(MEASURES[score].compute(y[test] == 1, proba[:, 1]))
    return scores, taken


def chosen(allowed: dict, given: str) -> list[str]:
    return [one for one in allowed if not given or one in given.split(",")]


@click.command()
@click.argument("directory", type=click.Path(exists=True, path_type=Path))
@click.option("--sets", default="")
@click.option("--learners", default="")
@click.option("--grid", type=click.Choice(["off", "auto"]), default="off", help="Whether values keep to grids.")
@click.option("--repeats", default=2)
def main(directory: Path, sets: str, learners: str, grid: str, repeats: int) -> None:
    """Print a table, a row for each set and learner."""
    warnings.simplefilter("ignore")  # of learners that do not converge
    print(f"{'set':13} {'learner':9} {'score':17} {'nothing':>7}  difference to it: {' | '.join(KINDS)} (taken)")
    for name in chosen(SETS, sets):
        X, y = load(directory, name)
        for learner in chosen(LEARNERS, learners):
            began = time.perf_counter()
            scores, taken = measure(X, y, LEARNERS[learner], grid, repeats)
            for score in SCORES:
                base = scores["nothing", score]
                cells = []
                for kind in KINDS:
                    middle, half = interval([a - b for a, b in zip(scores[kind, score], base, strict=True)])
                    cells.append(f"{middle:+.4f} ±{half:.4f}{'' if middle > WITHIN else ' ok'}")
                said = ", ".join(f"{method} {n}" for method, n in taken.most_common())
                print(
                    f"{name:13} {learner:9} {score:17} {np.mean(base):7.4f}  {' | '.join(cells)} ({said})", flush=True
                )
            print(f"# {len(y):,} rows, {y.mean():.1%} positive, {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
