"""Publications and events of versions that need not be made."""

from __future__ import annotations

from resampler.lineage.outbox import PUBLISHED, Event
from resampler.lineage.publication import FILE, SERVICE, VIEW, Publication


def publication(version=1, **fields):
    splits = {"train": (90, 30), "test": (20, 0)}
    defaults = {
        "name": "fraud",
        "version": version,
        "digest": f"{version:064x}",
        "created": "2026-01-02T03:04:05+00:00",
        "uri": f"/data/fraud/v{version:04d}",
        "datasets": {split: f"fraud_v{version:04d}_{split}" for split in splits},
        "paths": {split: f"{split}/part-00000.parquet" for split in splits},
        "inputs": [
            {"kind": SERVICE, "name": "service"},
            {"kind": VIEW, "name": "payments"},
            {"kind": FILE, "name": "s3://bucket/frames/frame.parquet"},
        ],
        "columns": {"customer": "int64", "amount": "float64", "fraud": "bool", "is_synthetic": "bool"},
        "label": "fraud",
        "keys": ["customer"],
        "seed": 7,
        "ratio": 0.5,
        "reached": 0.5,
        "method": "smote",
        "parameters": {"k_neighbors": 5, "split": "stratified:0.8,0,0.2"},
        "counts": {
            split: {
                "rows": real + made,
                "real": real,
                "synthetic": made,
                "classes": {"True": {"real": 10, "synthetic": made}, "False": {"real": real - 10, "synthetic": 0}},
            }
            for split, (real, made) in splits.items()
        },
        "findings": [{"name": "few-rows", "level": "warning", "label": "True", "allowed": False}],
        "quality": {"detectability.True": 0.5},
        "privacy": "keyed",
        "secret_key": "0123456789abcdef",
        "contract": "c" * 64,
        "references": ["payments:amount"],
        "project": "shop",
        "feature_service": "service",
        "page": "report.html",
        "bytes": {"train": 1000, "test": 200},
        "cost": {"reading_s": 1.0},
    }
    return Publication(**(defaults | fields))


def told_of(version=1, to="openlineage", what=PUBLISHED, holds=None, **more):
    made = publication(version)
    about = {name: getattr(made, name) for name in ("name", "version", "digest", "uri", "datasets")}
    return Event.of(to, what, about | {"publication": made.to_dict()} | more, holds or {})
