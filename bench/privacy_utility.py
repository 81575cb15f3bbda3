"""What the hardened mode costs: models of its rows beside models of SMOTE's, on the same folds of real sets.

python bench/privacy_utility.py SET.parquet ... [--repeats 2] [--group-size 10] [--json]

A set is a Parquet file with the label in its column `class`: the rarer class is made as frequent as the other (ratio
1.0), by SMOTE (smotenc with categorical columns, smoten where all are) and by `hardened`. Every learner learns from
both on each fold, so differences are paired. A set's interval is that of its folds, which share rows (Nadeau, Bengio
2003); the one over all sets takes each set's mean as one value.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from imblearn.metrics import geometric_mean_score
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from resampler.methods.oversample import oversample
from resampler.methods.parameters import Parameters
from resampler.methods.place import build
from resampler.methods.table import Table

FOLDS = 5
LEARNERS = {
    "logistic": lambda: LogisticRegression(max_iter=500),
    "5-NN": KNeighborsClassifier,
    "forest": lambda: RandomForestClassifier(50, random_state=0, n_jobs=1),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=40, random_state=0),
}
SCORES = {"balanced accuracy": balanced_accuracy_score, "G-mean": geometric_mean_score}


def load(path):
    """Return columns, scaled where numeric and coded where not, the rarer class as 1, and which are codes."""
    table = pd.read_parquet(path)
    y = (table["class"] == table["class"].value_counts().idxmin()).to_numpy(dtype=int)
    features = table.drop(columns="class")
    mask = np.array([features[name].dtype.kind not in "iufb" for name in features])
    X = np.empty(features.shape)
    if mask.any():
        X[:, mask] = OrdinalEncoder().fit_transform(features.loc[:, mask].astype(str))
    if not mask.all():
        X[:, ~mask] = StandardScaler().fit_transform(features.loc[:, ~mask].astype(float))
    return X, y, mask


def grown(X, y, mask, method, seed, group_size):
    """Return rows at ratio 1.0 by a method."""
    asked = Parameters(min(5, int(y.sum()) - 1), missing="inherit", group_size=group_size, small_groups=group_size < 10)
    table = Table(X, y, categorical=mask if mask.any() else None)
    made = oversample(table, method, {1: int((y == 0).sum() - y.sum())}, seed=seed, parameters=asked).provenance
    rows = build(X, made)
    for at, j in enumerate(made.categorical_features):
        rows[:, j] = X[made.donor[:, at], j]
    return np.concatenate([X, rows]), np.concatenate([y, made.label]).astype(int)


def scores(train, test, mask, encoder):
    """Return each learner's scores on a fold."""
    (X, y), (X_test, y_test) = [(encoded(rows, mask, encoder), labels) for rows, labels in (train, test)]
    said = [learner().fit(X, y).predict(X_test) for learner in LEARNERS.values()]
    return np.array([[score(y_test, guess) for score in SCORES.values()] for guess in said])


def encoded(X, mask, encoder):
    return np.nan_to_num(np.hstack([X[:, ~mask], encoder.transform(X[:, mask])]) if mask.any() else X)


def measure(path, repeats, group_size, methods=None):
    """Return scores by method: (fold, learner, score), and the share of test rows to training rows."""
    X, y, mask = load(path)
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(X[:, mask]) if mask.any() else None
    usual = "smoten" if mask.all() else "smotenc" if mask.any() else "smote"
    found = {name: [] for name in methods or ("nothing", "smote", "hardened")}
    for seed, (train, test) in enumerate(
        RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=repeats, random_state=0).split(X, y)
    ):
        for name, kept in found.items():
            rows = X[train], y[train]
            if name != "nothing":
                rows = grown(*rows, mask, usual if name == "smote" else name, seed, group_size)
            kept.append(scores(rows, (X[test], y[test]), mask, encoder))
    return {name: np.array(kept) for name, kept in found.items()}


def of_folds(differences):
    """Return mean and 95 % interval of one set's folds."""
    n = len(differences)
    half = stats.t.ppf(0.975, n - 1) * np.sqrt(differences.var(ddof=1) * (1 / n + 1 / (FOLDS - 1)))
    return differences.mean(), half


def of_sets(means):
    """Return mean and 95 % interval over sets."""
    n = len(means)
    return np.mean(means), stats.t.ppf(0.975, n - 1) * np.std(means, ddof=1) / np.sqrt(n) if n > 1 else np.inf


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--group-size", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| set | " + " | ".join(f"{score}: SMOTE, nothing, hardened less SMOTE" for score in SCORES) + " |")
    print("|---|" + "---|" * len(SCORES))
    means, record = [], {}
    for path in args.paths:
        found = measure(path, args.repeats, args.group_size)
        of_learners = {name: kept.mean(axis=1) for name, kept in found.items()}  # one value a fold: learners share it
        cells = []
        for at, score in enumerate(SCORES):
            mean, half = of_folds(of_learners["hardened"][:, at] - of_learners["smote"][:, at])
            plain, nothing = (of_learners[name][:, at].mean() for name in ("smote", "nothing"))
            cells.append(f"{plain:.3f}, {nothing:.3f}, {mean:+.3f} ± {half:.3f}")
            record.setdefault(path.stem, {})[score] = [mean, half]
        means.append([record[path.stem][score][0] for score in SCORES])
        record[path.stem]["by learner"] = (found["hardened"] - found["smote"]).mean(axis=0).tolist()
        print(f"| {path.stem} | " + " | ".join(cells) + " |", flush=True)
    total = [of_sets(np.array(means)[:, at]) for at in range(len(SCORES))]
    print(f"| all {len(means)} sets | " + " | ".join(f"{mean:+.3f} ± {half:.3f}" for mean, half in total) + " |")
    by_learner = np.mean([record[path.stem]["by learner"] for path in args.paths], axis=0)
    for name, row in zip(LEARNERS, by_learner, strict=True):
        print(f"{name}: " + ", ".join(f"{s} {v:+.3f}" for s, v in zip(SCORES, row, strict=True)), file=sys.stderr)
    if args.json:
        print(json.dumps(record), file=sys.stderr)


if __name__ == "__main__":
    main()
