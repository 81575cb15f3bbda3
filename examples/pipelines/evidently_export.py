"""Evidently: rows of today against the real training rows of a version, as its page and its JSON.

`python evidently_export.py catalog turbofan today.parquet drift.html`. `resampler drift` decides; this is for those who
read Evidently's pages, or collect them. Synthetic rows are left out: they would hide that the real ones have moved.
"""

from __future__ import annotations

import sys

import pyarrow.compute as pc
import pyarrow.parquet as pq
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

from resampler.training_set import open_version


def export(catalog: str, snapshot: str, today: str, page: str) -> dict:
    version = open_version(snapshot, catalog=catalog)
    train = version.read("train")
    real = train.filter(pc.invert(train[version.synthetic])).select([*version.features]).to_pandas()
    later = pq.read_table(today, columns=[*version.features]).to_pandas()
    numeric = [name for name in version.features if real[name].dtype.kind in "if"]
    definition = DataDefinition(
        numerical_columns=numeric, categorical_columns=[name for name in version.features if name not in numeric]
    )
    found = Report([DataDriftPreset(drift_share=0.5)]).run(
        Dataset.from_pandas(later, definition), Dataset.from_pandas(real, definition)
    )
    found.save_html(page)
    found.save_json(page.removesuffix(".html") + ".json")
    return found.dict()


if __name__ == "__main__":
    export(*sys.argv[1:])
