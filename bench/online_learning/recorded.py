"""Streams that were recorded: real rows in the order in which they came. Settings are judged on these.

What is not in the folder of data is left out, and named.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .streams import Rows, Stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FRAUD_LEFT_OUT = ("transaction_id", "tx_datetime", "customer_id", "terminal_id", "tx_fraud_scenario")
KDD_ATTACKS = ("smurf.", "neptune.", "back.", "satan.", "ipsweep.", "portsweep.", "warezclient.", "teardrop.", "nmap.")


def _rows(
    path: Path, label: str, start: int, left_out: tuple[str, ...], code: Callable[[np.ndarray], np.ndarray], n: int
) -> Rows:
    """Return n rows from `start` on: the numeric columns, and the labels' codes."""
    table = pq.read_table(path).slice(start, n)
    names = [
        name
        for name, kind in zip(table.column_names, table.schema.types, strict=True)
        if name not in (label, *left_out) and not pa.types.is_string(kind)
    ]
    X = np.column_stack([pc.fill_null(table[name], 0).to_numpy() for name in names]).astype(np.float32)
    return X, code(table[label].to_numpy()).astype(np.int64)


def _is(*positive: object) -> Callable[[np.ndarray], np.ndarray]:
    return lambda labels: np.isin(labels, positive)


def _kinds_of_attack(labels: np.ndarray) -> np.ndarray:
    return np.select([labels == kind for kind in KDD_ATTACKS], range(1, 1 + len(KDD_ATTACKS)), 0)


# name: (file, label, first row, columns left out, codes). Where a stream is longer than what is run, the first row is
# where rare rows are; a call's duration is known when the call is over, thus left out.
SOURCES = {
    "elec2": ("stream_elec2", "class", 0, (), _is(0)),
    "weather": ("stream_noaa_weather", "rain", 0, (), _is(1)),
    "fraud": ("fraud_handbook_features", "tx_fraud", 800_000, FRAUD_LEFT_OUT, _is(1)),
    "adult": ("adult", "income", 0, (), _is(">50K")),
    "bank": ("bank_additional_full", "y", 26_000, ("duration",), _is("yes")),
    "turbofan": ("cmapss_fd001", "fails_within_15", 0, ("unit", "rul"), _is(1)),
    "kdd attacks": ("kddcup99_10pct", "label", 20_000, (), lambda labels: labels != "normal."),
    "kdd satan": ("kddcup99_10pct", "label", 140_000, (), _is("satan.")),
    "kdd portsweep": ("kddcup99_10pct", "label", 82_000, (), _is("portsweep.")),
    "kdd classes": ("kddcup99_10pct", "label", 140_000, (), _kinds_of_attack),
}
SEVERAL_CLASSES = ("kdd classes",)
TWO_CLASSES = tuple(name for name in SOURCES if name not in SEVERAL_CLASSES)


def _draw(path: Path, source: tuple, n: int, _seed: int) -> Rows:
    _, label, start, left_out, code = source
    return _rows(path, label, start, left_out, code, n)


def recorded(data: Path) -> tuple[dict[str, Stream], list[str]]:
    """Return the streams that there are, and the names of those whose file is missing."""
    found = {
        name: Stream(partial(_draw, data / f"{source[0]}.parquet", source), recorded=True)
        for name, source in SOURCES.items()
        if (data / f"{source[0]}.parquet").exists()
    }
    return found, [name for name in SOURCES if name not in found]
