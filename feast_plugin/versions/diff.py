"""What two versions of a snapshot have in common and what not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feast_plugin.versions.compare import Comparison, Stored
from feast_plugin.versions.descent import COLUMNS, compare_descent
from feast_plugin.versions.files.catalog import Catalog
from feast_plugin.versions.inputs.split import SPLITS

if TYPE_CHECKING:
    from pathlib import Path

    from feast_plugin.versions.files.manifest import Manifest


def diff_snapshot(first: int, second: int, *, name: str, root: str | Path) -> dict[str, Any]:
    """Compare two versions.

    Parameters
    ----------
    first, second : int
        Versions.
    name : str
        Of the snapshot.
    root : str or Path
        Where snapshots are kept.

    Returns
    -------
    dict
        `equal` (same digest); `parameters` and `contract`, each name that differs with both values; `counts` of each
        split in both; `rows` and `drift` of the real rows, as `feast_plugin.versions.compare.Comparison.run`;
        `synthetic`, as `feast_plugin.versions.descent.compare_descent`, None where a version does not store its
        synthetic rows, or they are hardened, which `synthetic_unknown` says in words; `findings` that `came`, `went`,
        or `changed` their figure, None where a version was never checked.

    Raises
    ------
    DataError
        If a version does not exist.
    CorruptStateError
        If a file of one cannot be read.
    """
    catalog = Catalog.open(name, root)
    a, b = catalog.load(first), catalog.load(second)
    before, after = (Stored(m, catalog.directory(m.version)) for m in (a, b))
    rows, drift = Comparison(before, after).run()
    unknown = _unknown(a, before) or _unknown(b, after)
    return {
        "name": catalog.name,
        "versions": [first, second],
        "equal": a.digest == b.digest,
        "parameters": _changes(_parameters(a), _parameters(b)),
        "contract": _changes(_features(a), _features(b)),
        "counts": {split: [m.counts.get(split) for m in (a, b)] for split in SPLITS if split in {*a.splits, *b.splits}},
        "rows": rows,
        "synthetic": compare_descent(before.lineage(COLUMNS), after.lineage(COLUMNS)) if unknown is None else None,
        "synthetic_unknown": unknown,
        "drift": drift,
        "findings": _findings(a, b),
    }


def _unknown(manifest: Manifest, stored: Stored) -> str | None:
    """Say why synthetic rows of a version are not followed to their parents; None where they are."""
    if "group_size" in manifest.parameters:
        return f"version {manifest.version} is hardened: its rows are made of groups, and name no parent"
    if not stored.has_synthetic:
        return f"version {manifest.version} does not store its synthetic rows: rebuild it first"
    return None


def _parameters(manifest: Manifest) -> dict[str, Any]:
    inputs = {f"inputs.{key}": value for key, value in manifest.inputs.items()}
    return {"seed": manifest.seed, "ratio": manifest.ratio, "retain": manifest.retain} | manifest.parameters | inputs


def _features(manifest: Manifest) -> dict[str, Any]:
    nulls = {one["name"]: {"nulls": one["nulls"]} for one in manifest.contract["features"] if "nulls" in one}
    features = {
        c["name"]: {k: c[k] for k in ("reference", "dtype", "categorical", "array")} | nulls.get(c["name"], {})
        for c in _columns(manifest)
    }
    return features | {manifest.columns["label"]: manifest.contract["label"]}


def _columns(manifest: Manifest) -> list[dict[str, Any]]:
    return list(manifest.columns["features"])


def _changes(a: dict[str, Any], b: dict[str, Any]) -> dict[str, list[Any]]:
    names = [*a, *(name for name in b if name not in a)]
    return {name: [a.get(name), b.get(name)] for name in names if a.get(name) != b.get(name)}


def _findings(a: Manifest, b: Manifest) -> dict[str, list[Any]] | None:
    if not (a.knows("findings") and b.knows("findings")):
        return None
    old, new = ({(one["name"], one["label"], one["level"]): one for one in m.findings} for m in (a, b))
    stay = [(old[key], one) for key, one in new.items() if key in old]
    return {
        "came": [one for key, one in new.items() if key not in old],
        "went": [one for key, one in old.items() if key not in new],
        "changed": [[was, one] for was, one in stay if was["figure"] != one["figure"]],
    }
