"""What is said of a version, from its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feast_plugin.versions.files.manifest import FILE, Manifest
from feast_plugin.versions.inputs.contract import NAMESPACE
from feast_plugin.versions.inputs.request import is_select
from resampler.address import without_secrets
from resampler.lineage import publication as said
from resampler.lineage.publication import Publication

if TYPE_CHECKING:
    from resampler.storage import Location

_SAID = ("name", "level", "label", "allowed")  # of a finding: its figures and columns may be rows' values
_APART = ("sampler", "secret_key", "algorithm")


def publication_of(manifest: Manifest, directory: Location) -> Publication:
    """Say what a version is.

    Parameters
    ----------
    manifest : Manifest
        The version.
    directory : Location
        Where its files are.

    Returns
    -------
    Publication
        In plain data.
    """
    parameters = {name: value for name, value in manifest.parameters.items() if name not in _APART}
    splits = manifest.splits
    return Publication(
        name=manifest.name,
        version=manifest.version,
        digest=manifest.digest,
        created=manifest.created,
        uri=directory.uri,
        datasets=manifest.datasets,
        paths={split: entry.path for split, entry in splits.items()},
        inputs=_inputs(manifest),
        columns=_columns(manifest),
        label=manifest.columns["label"],
        keys=[key["name"] for key in manifest.columns["join_keys"]],
        seed=manifest.seed,
        ratio=manifest.ratio,
        reached=manifest.reached,
        method=str(manifest.parameters.get("sampler") or "smote"),
        parameters=parameters,
        counts=manifest.counts,
        findings=[{name: one.get(name) for name in _SAID} for one in manifest.findings],
        quality=_quality(manifest),
        privacy=_privacy(manifest.parameters),
        secret_key=manifest.parameters.get("secret_key"),
        contract=manifest.contract_hash,
        references=list(manifest.columns["references"]),
        project=manifest.inputs["project"],
        feature_service=manifest.inputs["feature_service"],
        page=None if manifest.report is None else manifest.report.path,
        bytes={split: entry.bytes for split, entry in splits.items()},
        cost=dict(manifest.notes.get("cost", {})),
    )


def told_of(manifest: Manifest, directory: Location) -> dict[str, Any]:
    """Say of a version what an event holds.

    Parameters
    ----------
    manifest : Manifest
        The version.
    directory : Location
        Where its files are.

    Returns
    -------
    dict
        ``name``, ``version``, ``digest``, ``uri``, ``datasets`` and the whole ``publication``.
    """
    publication = publication_of(manifest, directory)
    shown = ("name", "version", "digest", "uri", "datasets")
    return {name: getattr(publication, name) for name in shown} | {"publication": publication.to_dict()}


def holds(manifest: Manifest) -> dict[str, str]:
    """Name what shows that a version was published.

    Parameters
    ----------
    manifest : Manifest
        The version.

    Returns
    -------
    dict
        As `resampler.lineage.outbox.Event` takes it.
    """
    return {"file": f"v{manifest.version:04d}/{FILE}", "text": manifest.digest}


def _inputs(manifest: Manifest) -> list[dict[str, str]]:
    """Name what rows were read from, views and services as Feast's own events do."""
    found: list[dict[str, str]] = []
    if manifest.inputs["project"] is not None:
        if service := manifest.inputs["feature_service"]:
            found.append({"kind": said.SERVICE, "name": service})
        views = [reference.partition(":")[0] for reference in manifest.columns["references"] if ":" in reference]
        views += [str(manifest.columns["label_reference"]).partition(":")[0]]
        # Feast writes a view of a version `name@v2`; the object is `name`
        names = dict.fromkeys(view.partition("@")[0] for view in views if view != NAMESPACE)
        found += [{"kind": said.VIEW, "name": name} for name in names]
    frame = manifest.notes.get("entity_frame", {}).get("entity_df")
    for one in frame if isinstance(frame, list) else [frame]:
        if isinstance(one, str) and not is_select(one):  # a query may name rows
            found.append({"kind": said.FILE, "name": without_secrets(one)})
    return found


def _privacy(parameters: dict[str, Any]) -> str:
    if "release" in parameters:
        return "release"
    if "group_size" in parameters:
        return "hardened"
    return "keyed" if "secret_key" in parameters else "as its parents"


def _columns(manifest: Manifest) -> dict[str, str]:
    columns = manifest.columns
    found = {key["name"]: key["dtype"] for key in columns["join_keys"]}
    if columns.get("timestamped", True):
        found["event_timestamp"] = "timestamp"
    found |= {one["name"]: f"array<{one['dtype']}>" if one["array"] else one["dtype"] for one in columns["features"]}
    return found | {columns["label"]: manifest.schema.label.dtype, columns["synthetic"]: "bool"}


def _quality(manifest: Manifest) -> dict[str, float]:
    measured = manifest.notes.get("detectability", {})
    return {
        f"detectability.{label}": float(one["area"])
        for label, one in sorted(measured.items())
        if isinstance(one, dict) and isinstance(one.get("area"), int | float)
    }
