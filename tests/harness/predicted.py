"""Predictions for tests of the gate: of a rare class, by a calibrated model of some skill."""

import numpy as np
import pyarrow as pa

from resampler.errors import DataError
from resampler.policy import policy_of
from resampler.quality.gate.predictions import Predictions
from resampler.quality.gate.rules import GateRules


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


class Held:
    """A file that is a table at hand."""

    option, where = "predictions", "p.parquet"

    def __init__(self, table):
        self.schema, self.n_rows, self.table = table.schema, len(table), table

    def check(self, name, asked_by):
        if name not in self.schema.names:
            raise DataError(f"{asked_by} names column {name!r}; have {', '.join(self.schema.names)}")

    def read(self, columns):
        return self.table.select(columns)


def read(table, asked, **options):
    """Read a table as a file of predictions is read."""
    return Predictions.read(Held(table), asked, slices=tuple(asked.slices), **options)
