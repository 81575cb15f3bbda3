"""Are models as good on our rows as on imbalanced-learn's? And what does resampling before the folds pretend?

python bench/quality.py PATH ... [--methods SMOTE,ADASYN] [--repeats 5]

PATH is a Parquet file, or a directory of them: the label in the column `class`, text columns categorical. Each method
runs on the sets that it is for. TomekLinks and EditedNearestNeighbours are left out: tests show that they keep the rows
that imbalanced-learn keeps.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from imblearn import combine, over_sampling, under_sampling
from imblearn.metrics import geometric_mean_score
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, balanced_accuracy_score
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from resampler import samplers

LEARNERS = {
    "logistic": LogisticRegression(max_iter=500),
    "5-NN": KNeighborsClassifier(),
    "tree": DecisionTreeClassifier(max_depth=8, random_state=0),
    "bayes": GaussianNB(),
    "boosting": HistGradientBoostingClassifier(max_iter=30, random_state=0),
}
THEIRS = {name: getattr(module, name) for module in (over_sampling, under_sampling, combine) for name in module.__all__}
NUMERIC = (
    "SMOTE",
    "BorderlineSMOTE",
    "ADASYN",
    "SVMSMOTE",
    "KMeansSMOTE",
    "SMOTEENN",
    "SMOTETomek",
    "RandomOverSampler",
    "RandomUnderSampler",
)
METHODS = (*NUMERIC, "SMOTENC", "SMOTEN")
SCORES = ("balanced accuracy", "G-mean", "PR-AUC")


def load(path):
    """Return coded columns, scaled where numeric, the rarer class as 1, and which columns are categorical."""
    table = pd.read_parquet(path)
    y = (table["class"] == table["class"].value_counts().idxmin()).to_numpy(dtype=int)
    features = table.drop(columns="class")
    text = [name for name in features if features[name].dtype == object]
    features[text] = OrdinalEncoder().fit_transform(features[text]) if text else features[text]
    numeric = [name for name in features if name not in text]
    features = features.astype(float)
    if numeric:
        features[numeric] = StandardScaler().fit_transform(features[numeric])
    return features.to_numpy(), y, [features.columns.get_loc(name) for name in text]


def score(X, y, X_test, y_test):
    """Return a row of scores for each learner."""
    rows = []
    for learner in LEARNERS.values():
        probability = learner.fit(X, y).predict_proba(X_test)[:, 1]
        said = (probability >= 0.5).astype(int)
        rows.append(
            (
                balanced_accuracy_score(y_test, said),
                geometric_mean_score(y_test, said),
                average_precision_score(y_test, probability),
            )
        )
    return np.array(rows)


def methods_for(categorical, d):
    if not categorical:
        return NUMERIC
    return ("SMOTENC",) if len(categorical) < d else ("SMOTEN",)


def build(classes, name, categorical, k, seed):
    """Return `name` of one library, its neighbours at most as many as the class allows."""
    make = partial(classes[name], random_state=seed)
    match name:
        case "RandomOverSampler" | "RandomUnderSampler":
            return make()
        case "SMOTEENN" | "SMOTETomek":
            return make(smote=classes["SMOTE"](k_neighbors=k, random_state=seed))
        case "ADASYN":
            return make(n_neighbors=k)
        case "KMeansSMOTE":
            # Its default, a cluster as balanced as the classes are, fits few of these sets.
            return make(k_neighbors=min(k, 2), kmeans_estimator=8, cluster_balance_threshold=0.05)
        case "SMOTENC":
            return make(categorical, k_neighbors=k)
    return make(k_neighbors=k)


def measure(path, methods, repeats, table, leak):
    """Score every method on every fold; a fold counts where both libraries leave enough rows to learn from."""
    X, y, categorical = load(path)
    ours = {name: getattr(samplers, name) for name in METHODS}
    folds = RepeatedStratifiedKFold(n_splits=2, n_repeats=repeats, random_state=0)
    methods = [name for name in methods_for(categorical, X.shape[1]) if name in methods]
    for seed, (train, test) in enumerate(folds.split(X, y)) if methods else ():
        k = min(5, int(y[train].sum()) - 1)
        table.setdefault((path.stem, "none"), []).append(score(X[train], y[train], X[test], y[test]))
        for name in methods:
            try:
                rows = [build(c, name, categorical, k, seed).fit_resample(X[train], y[train]) for c in (ours, THEIRS)]
                scores = [score(*made, X[test], y[test]) for made in rows]
            except (ValueError, RuntimeError):
                continue
            table.setdefault((path.stem, name), []).append(scores)
    if "SMOTE" in methods:
        all_X, all_y = samplers.SMOTE(random_state=0, k_neighbors=k).fit_resample(X, y)
        wrong = [score(all_X[a], all_y[a], all_X[b], all_y[b]) for a, b in folds.split(all_X, all_y)]
        leak[path.stem] = np.mean(wrong, axis=0), np.mean(table[path.stem, "SMOTE"], axis=0)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", samplers.ShortfallWarning)
    table, leak = {}, {}
    for path in sorted(
        file for given in args.paths for file in (given.glob("*.parquet") if given.is_dir() else [given])
    ):
        print(path.stem, file=sys.stderr)
        measure(path, args.methods.split(","), args.repeats, table, leak)
    print(f"{'method':<18} {'sets':>4} {'folds':>5}  " + "  ".join(f"{s + ': ours - theirs':>32}" for s in SCORES))
    for name in METHODS:
        # Scores are (fold, library, learner, score); each set weighs the same.
        sets = [np.array(scores) for key, scores in table.items() if key[1] == name]
        if sets:
            ours, theirs = np.mean([scores.mean(axis=(0, 2)) for scores in sets], axis=0)
            cells = (f"{a:.4f} - {b:.4f} = {a - b:+.4f}" for a, b in zip(ours, theirs, strict=True))
            print(f"{name:<18} {len(sets):>4} {sum(map(len, sets)):>5}  " + "  ".join(f"{cell:>32}" for cell in cells))
    plain = np.array([np.mean(v, axis=(0, 1)) for key, v in table.items() if key[1] == "none"]).mean(0)
    print(f"no resampling, all sets: {', '.join(f'{s} {v:.3f}' for s, v in zip(SCORES, plain, strict=True))}")
    for at, learner in enumerate(LEARNERS if leak else ()):
        wrong, right = (np.mean([leak[s][i][at] for s in leak], axis=0) for i in (0, 1))
        cells = ", ".join(f"{s} {a:.3f} for {b:.3f}" for s, a, b in zip(SCORES, wrong, right, strict=True))
        print(f"SMOTE before the folds pretends, {learner}: {cells}")


if __name__ == "__main__":
    main()
