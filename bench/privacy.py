"""How far attacks come on plain SMOTE, on SMOTE under a secret key and on hardened rows: the table of docs/privacy.md.

python bench/privacy.py DIR [--sets mammography,...] [--splits 5] [--write]

DIR holds the sets as Parquet, as `bench/calibration.py` reads them. Half of a set's rare rows is resampled to the
ratio 1.0 in half of the set, and the other half is the control; again for each split. Figures are means over splits.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from resampler.methods.oversample import oversample
from resampler.methods.parameters import Parameters
from resampler.methods.table import Table
from resampler.metric import label_key
from resampler.quality.privacy.audit import PrivacyAudit, audit_classes
from resampler.quality.privacy.exposure import Exposure, Known
from resampler.quality.privacy.recovery import Inference, Naming, Recovery
from resampler.samplers.matrix import append_synthetic
from resampler.secret import SecretKey

SETS = {
    "mammography": ("classic_mammography", "class", "1"),
    "yeast4": ("keel/yeast4", None, "positive"),
    "phoneme": ("classic_phoneme", "class", "1"),
    "page-blocks0": ("keel/page_blocks0", None, "positive"),
}
SEED = 42  # public, as it is guessed
KEY = SecretKey(b"a secret that no attacker has")
PAGE = Path(__file__).resolve().parents[1] / "docs" / "privacy.md"
HEAD = "| Attack | SMOTE | under a secret key | hardened | control |\n|---|---|---|---|---|\n"


class Rare(NamedTuple):
    real: np.ndarray
    held_out: np.ndarray
    n: int  # synthetic rows that make the ratio 1.0 in half of the set


def rare_rows(directory: Path, name: str, split: int) -> Rare:
    """Return half of the rare rows of a set, the others, and how many synthetic rows it takes."""
    file, label, positive = SETS[name]
    table = pd.read_parquet(directory / f"{file}.parquet")
    label = label or table.columns[-1]
    y = (table[label].astype(str).str.strip() == positive).to_numpy()
    X = table.drop(columns=[label]).to_numpy(dtype=np.float32)
    rare = X[y][np.random.default_rng(split).permutation(int(y.sum()))]
    half = len(rare) // 2
    return Rare(rare[:half], rare[half:], int((~y).sum()) // 2 - half)


def made(rare: Rare, method: str, seed: int) -> np.ndarray:
    """Return synthetic rows of a class."""
    X = rare.real
    spread = X.std(axis=0, dtype=np.float64)
    table = Table(X, np.ones(len(X), dtype=np.int64), np.arange(len(X)), None, np.where(spread > 0, spread, 1.0))
    found = oversample(table, method, {1: rare.n}, seed=seed, parameters=Parameters(), names={1: 1}).provenance
    return append_synthetic(X, found)[len(X) :]


def attacked(rare: Rare, method: str, *, keyed: bool) -> PrivacyAudit:
    """Attack them, by the seed that is public."""
    rows = made(rare, method, KEY.mix(SEED) if keyed else SEED)
    known = Known(SEED, label_key(1), "smote", 5, np.arange(len(rare.real)))
    return audit_classes([Exposure.of(rows, rare.real, rare.held_out, name="1", known=known)])


def words(results: list) -> tuple[str, str]:
    """Return what an attack came to, and what chance does, over splits."""
    results = [one for one in results if one is not None]
    if not results:
        return "nothing to attack with", ""
    if isinstance(results[0], Recovery):
        exact, near, hits, control = (
            float(np.mean([getattr(one, name).share for one in results]))
            for name in ("exact", "near", "hits", "near_control")
        )
        return f"exact {exact:.3f}, near {near:.3f}, hits {hits:.2f}", f"near {control:.3f}"
    if isinstance(results[0], Inference):
        auc = float(np.mean([one.auc for one in results]))
        tpr = float(np.mean([one.tpr.share for one in results]))
        return f"AUC {auc:.2f}, TPR {tpr:.2f}", "AUC .5"
    assert isinstance(results[0], Naming)
    named, chance = (float(np.mean([getattr(one, name).share for one in results])) for name in ("named", "chance"))
    return f"named {named:.3f}", f"named {chance:.3f}"


def measure(directory: Path, name: str, splits: int) -> str:
    """Return the Markdown table of a set."""
    ways = {"SMOTE": ("smote", False), "key": ("smote", True), "hardened": ("hardened", True)}
    found: dict[str, dict[str, list]] = {}
    copies = []
    for split in range(splits):
        rare = rare_rows(directory, name, split)
        copies.append(rare.n / len(rare.real))
        for way, (method, keyed) in ways.items():
            for one in attacked(rare, method, keyed=keyed).attempts:
                found.setdefault(one.attack, {}).setdefault(way, []).append(one.result)
    lines = []
    for attack, by_way in found.items():
        said = {way: words(results) for way, results in by_way.items()}
        lines.append(f"| `{attack}` | {' | '.join(said[way][0] for way in ways)} | {said['SMOTE'][1]} |")
    title = f"**{name}**: {len(rare.real):,} real rows, {np.mean(copies):.3g} synthetic ones each, {splits} splits\n\n"
    return f"{title}{HEAD}" + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    tables = []
    for name in asked.sets.split(","):
        began = time.perf_counter()
        tables.append(measure(asked.directory, name, asked.splits))
        print(tables[-1], f"{time.perf_counter() - began:.0f} s", flush=True)
    if asked.write:
        text = PAGE.read_text(encoding="utf-8")
        kept = re.compile(r"(<!-- measured: bench/privacy.py -->\n).*?(<!-- end -->)", re.DOTALL)
        PAGE.write_text(kept.sub(lambda found: found[1] + "\n".join(tables) + found[2], text), encoding="utf-8")


if __name__ == "__main__":
    main()
