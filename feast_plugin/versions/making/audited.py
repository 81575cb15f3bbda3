"""The audit sample of a version: which synthetic rows an auditor is shown, and what of each."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from feast_plugin.versions.files.audited import NOTE
from feast_plugin.versions.files.reading import batches_of, read_files
from feast_plugin.versions.inputs.contract import Contract
from feast_plugin.versions.inputs.split import SPLITS, TRAIN
from feast_plugin.versions.making.matrix import encode
from resampler.errors import InvalidInputError
from resampler.kernels.random import rank_keys
from resampler.options import Rule, check_options, count, option
from resampler.runs.sample import distances, plain_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from feast_plugin.versions.files.entries import StoredFile
    from feast_plugin.versions.files.manifest import Manifest
    from resampler.secret import SecretKey
    from resampler.storage import Location

MOST = 10_000  # rows of a sample: it is for people
_USE = "audit sample"


def _check_redacted(name: str, value: Any) -> tuple[str, ...]:
    parts = (value,) if isinstance(value, str) else tuple(value)
    names = [one.strip() for part in parts for one in str(part).split(",")]
    if not all(names):
        raise InvalidInputError(f"{name} must name columns, as a,b, got {value!r}")
    return tuple(dict.fromkeys(names))


def _check_root(name: str, value: Any) -> str:
    if not str(value):
        raise InvalidInputError(f"{name} must be a path or a URI, got {value!r}")
    return str(value)


REDACTED = Rule(str, _check_redacted, "names of columns, a,b", repeated=True)
ROOT = Rule(str, _check_root, "a path or a URI")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSample:
    """What is kept for auditors. It decides no row.

    Parameters
    ----------
    audit_sample, audit_root, audit_redact
        As in `feast_plugin.create_snapshot`.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule, or a place or columns are given without a number of rows.
    """

    audit_sample: int = option(
        0, count(0, MOST), "Keep that many synthetic rows, chosen by a keyed hash, beside their parents, for auditors."
    )
    audit_root: str | Path | None = option(
        None, ROOT, "Where that sample is kept; by default in the directory audit of the snapshot."
    )
    audit_redact: str | Sequence[str] = option((), REDACTED, "Columns that it leaves out, as a,b; may be given again.")

    def __post_init__(self) -> None:
        check_options(self)
        if not self.audit_sample and (self.audit_root is not None or self.audit_redact):
            raise InvalidInputError(
                "audit_root and audit_redact say what becomes of an audit sample: give audit_sample"
            )

    @classmethod
    def of(cls, manifest: Manifest) -> AuditSample:
        """Read what a version was asked for.

        Parameters
        ----------
        manifest : Manifest
            Of the version.

        Returns
        -------
        AuditSample
            Of no row where it names no sample.
        """
        note = manifest.notes.get(NOTE)
        if note is None:
            return cls()
        return cls(audit_sample=note["rows"], audit_root=note["root"], audit_redact=note["redacted"])

    def check(self, contract: Contract) -> None:
        """Check that the columns to leave out are there.

        Parameters
        ----------
        contract : Contract
            Of the version.

        Raises
        ------
        InvalidInputError
            If one is not.
        """
        known = [*contract.keys, *(c.name for c in contract.columns)]
        for name in self.audit_redact:
            if name not in known:
                raise InvalidInputError(f"audit_redact must name columns of {', '.join(known)}, got {name!r}")


def draw_sample(
    manifest: Manifest, directory: Location, asked: AuditSample, key: SecretKey | None = None
) -> list[dict[str, Any]]:
    """Choose synthetic rows, and set them beside their parents.

    Parameters
    ----------
    manifest : Manifest
        Of the version.
    directory : Location
        Of its files; the training file and the lineage are there.
    asked : AuditSample
        How many rows, and without which columns.
    key : SecretKey, optional
        That the version was made with: who does not have it cannot tell which rows are chosen.

    Returns
    -------
    list of dict
        In the order of the training file: the synthetic row, its base, its neighbour, the step, and its distances to
        both and to the nearest real row of its class. Rows are numbered as in the training file. Columns that are left
        out enter no distance either, from which they could be found again. A position is left out where a join key is.

    Notes
    -----
    Reads the training file once; memory follows the classes of the rows that are chosen.
    """
    contract = Contract.from_dict(manifest.columns)
    parents = read_files(directory, [manifest.lineage], ["row", "base_row", "neighbor_row", "step"])
    chosen = _chosen(parents.num_rows, asked.audit_sample, manifest.seed, key)
    if not len(chosen):
        return []
    row, base, neighbor, step = (parents[name].to_numpy()[chosen] for name in parents.column_names)
    table, places = _rows(directory, manifest.splits[SPLITS[TRAIN]].files, contract, [row, base, neighbor])

    shown = tuple(c for c in contract.columns if c.name not in asked.audit_redact)
    keys = [name for name in contract.keys if name not in asked.audit_redact]
    at = [np.searchsorted(places, rows) for rows in (row, base, neighbor)]
    labels = table[contract.published_label].to_numpy(zero_copy_only=False).astype(str)
    distances = _distances(table, contract, shown, manifest, at, labels)
    numbered = len(keys) == len(contract.keys)
    names = [c.name for c in shown]
    values = table.select([*dict.fromkeys([*keys, *names])])

    def _side(position: int, number: int, *, real: bool) -> dict[str, Any]:
        held = {name: plain_value(value[0]) for name, value in values.slice(position, 1).to_pydict().items()}
        found: dict[str, Any] = {"row": int(number)} if numbered or not real else {}
        if real:
            found["keys"] = {name: held[name] for name in keys}
        return found | {"values": {name: held[name] for name in names}}

    sample = []
    for i in range(len(chosen)):
        nearest = int(distances["nearest"][i])
        sample.append(
            {
                "class": labels[at[0][i]],
                "step": float(step[i]),
                "synthetic": _side(int(at[0][i]), int(row[i]), real=False),
                "base": _side(int(at[1][i]), int(base[i]), real=True),
                "neighbor": _side(int(at[2][i]), int(neighbor[i]), real=True),
                "distance": {
                    "base": plain_value(float(distances["base"][i])),
                    "neighbor": plain_value(float(distances["neighbor"][i])),
                    "nearest_real": plain_value(float(distances["nearest_real"][i])),
                },
                "nearest_is": "base" if nearest == at[1][i] else "neighbor" if nearest == at[2][i] else "other",
            }
        )
    return sample


def _chosen(n: int, wanted: int, seed: int, key: SecretKey | None) -> NDArray[np.int64]:
    """Choose rows by a hash that is keyed on the secret key or, without one, on the seed."""
    data = seed.to_bytes(8, "little")
    hashed = hashlib.blake2b(data, person=_USE.encode()).digest() if key is None else key.digest(_USE, data)
    ranks = np.empty(n, dtype=np.uint64)
    rank_keys(np.uint64(int.from_bytes(hashed[:8], "little")), np.uint64(0), np.arange(n), ranks)
    return np.sort(np.argsort(ranks, kind="stable")[:wanted])


def _rows(
    directory: Location, files: Sequence[StoredFile], contract: Contract, needed: list[NDArray[np.int64]]
) -> tuple[pa.Table, NDArray[np.int64]]:
    """Read the rows that are needed, and the real ones of their classes; the other array has their positions."""
    mark, label = contract.published_synthetic, contract.published_label
    wanted = np.unique(np.concatenate(needed))
    marks = read_files(directory, files, [label, mark])
    classes = np.unique(np.asarray(marks[label])[needed[0]])
    take = np.isin(np.asarray(marks[label]), classes) & ~np.asarray(marks[mark])
    take[wanted] = True
    parts, start = [], 0
    for batch in batches_of(directory, files):
        parts.append(pa.table(batch).filter(pa.array(take[start : start + batch.num_rows])))
        start += batch.num_rows
    return pa.concat_tables(parts).combine_chunks(), np.flatnonzero(take)


def _distances(
    table: pa.Table,
    contract: Contract,
    shown: tuple[Any, ...],
    manifest: Manifest,
    at: list[NDArray[np.int64]],
    labels: NDArray[Any],
) -> dict[str, NDArray[Any]]:
    """Measure synthetic rows against their parents and all real rows of their class, in the version's own units."""
    measured = dataclasses.replace(contract, columns=shown).measured(table)
    matrix, _ = encode(table, measured)
    X = matrix.astype(np.float64)
    names = [feature.name for c in measured.columns for feature in c.elements()]
    units = {feature.name: feature.scale for feature in manifest.schema.features}
    categorical = np.array([c.categorical for c in measured.columns for _ in range(c.width)], dtype=np.bool_)
    scale = np.where(categorical, 1.0, [units[name] for name in names])
    return distances(X, labels, ~np.asarray(table[contract.published_synthetic]), categorical, scale, at)
