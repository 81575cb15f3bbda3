"""Are models as good on our rows as on imbalanced-learn's? And what does resampling before the folds pretend?

python bench/quality.py DIRECTORY [--sets pima,yeast4] [--repeats 5]

DIRECTORY holds Parquet files, the label in the column `class`; text columns are categorical.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from imblearn import over_sampling
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
NUMERIC_METHODS = ("SMOTE", "BorderlineSMOTE", "ADASYN")
SCORES = ("balanced accuracy", "G-mean", "PR-AUC")
MOST_ROWS = 6000


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


def pairs(categorical, d, k, seed):
    """Yield each method's name with our sampler and theirs."""
    settings = {"random_state": seed}
    if 0 < len(categorical) < d:
        ours, theirs = (m.SMOTENC(categorical, k_neighbors=k, **settings) for m in (samplers, over_sampling))
        yield "SMOTENC", ours, theirs
    if not categorical:
        for name in NUMERIC_METHODS:
            neighbours = {"n_neighbors": k} if name == "ADASYN" else {"k_neighbors": k}
            yield name, *(getattr(m, name)(**neighbours, **settings) for m in (samplers, over_sampling))


def measure(path, repeats, table, leak):
    X, y, categorical = load(path)
    if len(y) > MOST_ROWS:
        return
    folds = RepeatedStratifiedKFold(n_splits=2, n_repeats=repeats, random_state=0)
    for seed, (train, test) in enumerate(folds.split(X, y)):
        k = min(5, int(y[train].sum()) - 1)
        if k < 1:
            return
        table.setdefault((path.stem, "none"), []).append(score(X[train], y[train], X[test], y[test]))
        for name, ours, theirs in pairs(categorical, X.shape[1], k, seed):
            for which, sampler in (("ours", ours), ("theirs", theirs)):
                try:
                    rows = sampler.fit_resample(X[train], y[train])
                except (ValueError, RuntimeError):
                    continue
                table.setdefault((path.stem, name, which), []).append(score(*rows, X[test], y[test]))
    if not categorical:
        all_X, all_y = samplers.SMOTE(random_state=0, k_neighbors=k).fit_resample(X, y)
        wrong = [score(all_X[a], all_y[a], all_X[b], all_y[b]) for a, b in folds.split(all_X, all_y)]
        leak[path.stem] = np.mean(wrong, axis=0), np.mean(table[path.stem, "SMOTE", "ours"], axis=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--sets", default="")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.filterwarnings("ignore", message=".*made 0 of")
    table, leak = {}, {}
    for path in sorted(args.directory.glob("*.parquet")):
        if not args.sets or path.stem in args.sets.split(","):
            measure(path, args.repeats, table, leak)
    print(f"{'method':<18} {'sets':>4}  " + "  ".join(f"{s + ': ours - theirs':>32}" for s in SCORES))
    for name in ("SMOTENC", *NUMERIC_METHODS):
        sets = sorted({key[0] for key in table if key[1] == name} & {k[0] for k in table if k[1:] == (name, "theirs")})
        ours, theirs = (
            np.array([np.mean(table[s, name, which], axis=(0, 1)) for s in sets if (s, name, which) in table])
            for which in ("ours", "theirs")
        )
        if len(ours) and ours.shape == theirs.shape:
            cells = (f"{a:.4f} - {b:.4f} = {a - b:+.4f}" for a, b in zip(ours.mean(0), theirs.mean(0), strict=True))
            print(f"{name:<18} {len(sets):>4}  " + "  ".join(f"{cell:>32}" for cell in cells))
    plain = np.array([np.mean(v, axis=(0, 1)) for key, v in table.items() if key[1] == "none"]).mean(0)
    print(f"no resampling, all sets: {', '.join(f'{s} {v:.3f}' for s, v in zip(SCORES, plain, strict=True))}")
    for at, learner in enumerate(LEARNERS if leak else ()):
        wrong, right = (np.mean([leak[s][i][at] for s in leak], axis=0) for i in (0, 1))
        cells = ", ".join(f"{s} {a:.3f} for {b:.3f}" for s, a, b in zip(SCORES, wrong, right, strict=True))
        print(f"SMOTE before the folds pretends, {learner}: {cells}")


if __name__ == "__main__":
    main()
