"""Predictions for tests of the gate: of a rare class, by a calibrated model of some skill."""

import numpy as np
import pyarrow as pa

from resampler.policy import policy_of
from resampler.quality.gate import GateRules, Predictions
from resampler.table_file import TableFile


def made(n=4000, seed=0, skill=2.0, columns=None):
    """Return a table with keys, two slices, the truth and scores; `columns` replace those of their names."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.2
    logit = rng.normal(size=n) + skill * y
    odds = 0.25 * np.exp(skill * logit - skill**2 / 2)
    table = {
        "id": np.arange(n),
        "region": np.array(["north", "south", "west"])[rng.integers(3, size=n)],
        "big": rng.random(n) < 0.02,
        "y_true": y,
        "score": odds / (1 + odds),
    }
    return pa.table(table | (columns or {}))


def rules(**table):
    """Return the rules of a table [gate]."""
    return GateRules.of(policy_of({"gate": table}))


def read(table, asked, **options):
    """Read a table as a file of predictions is read."""
    return Predictions.read(TableFile("p.parquet", "predictions", table), asked, slices=tuple(asked.slices), **options)
