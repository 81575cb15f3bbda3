"""`manifest.json`: what makes a directory of files a version, and all that is needed to rebuild and verify it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from feast_plugin.versions.files.contradiction import contradiction_of
from feast_plugin.versions.files.digests import digest_of, recipe_digest
from feast_plugin.versions.files.entries import SplitEntry, StoredFile
from feast_plugin.versions.inputs.split import SPLITS
from resampler.errors import CorruptStateError
from resampler.quality.prior.counts import ClassCounts
from resampler.schema import FeatureSchema
from resampler.state import check_format

FORMAT = 4  # 1 had no checksums; the lineage of 2 does not say whose categories a row has; 3 knows no findings
HARDENED = 5  # its lineage names no parents, which readers of 4 look for
SEVERAL = 6  # a split has several files, which readers of 5 do not look for
_SINCE = {"findings": 4, "grids": 4, "profile": 4, "hidden": 4}  # fields that earlier formats do not have
_DERIVED: dict[int, tuple[str, ...]] = {
    1: ("digest", "recipe", "counts", "datasets"),
    2: ("digest", "recipe", "counts", "datasets", "checksums"),
    3: ("digest", "recipe", "counts", "datasets", "checksums"),
    4: ("digest", "recipe", "counts", "datasets", "checksums"),
    5: ("digest", "recipe", "counts", "datasets", "checksums"),
    6: ("digest", "recipe", "counts", "datasets", "checksums"),
}
FILE = "manifest.json"
TRAINING_ROWS = "training_rows"  # note: real training rows of each class, those that were left out included


@dataclass(frozen=True)
class Manifest:
    """A version.

    Parameters
    ----------
    name : str
        Of the snapshot.
    version : int
        From 1.
    created : str
        ISO 8601, UTC. Not part of any digest.
    seed : int
        Keys every draw.
    ratio : float
        Minority : majority in the training split.
    parameters : dict
        The other parameters that decide what is in the rows.
    inputs : dict
        Number and content digest of the retrieved rows, and where in Feast they are from.
    contract : dict
        `FeatureSchema.to_dict` of the features; their scales are the units of distance that training gave.
    columns : dict
        What the columns of the splits are: references, join keys, label, mark of synthetic rows.
    retain : str
        ``full``: everything is stored. ``sample``, ``recipe``: the train file and the lineage are made again by
        `feast_plugin.rebuild_snapshot`; `kept` is what is stored of the train file.
    splits : dict of str to SplitEntry
        The splits that have rows.
    lineage : StoredFile
        Parents of the synthetic rows.
    kept : StoredFile or None
        The real training rows and, under ``sample``, the first synthetic ones.
    left_out : StoredFile or None
        Real training rows that cleaning took out: without them the version could not be made again.
    report : StoredFile or None
        The page for people; its `rows` say nothing.
    notes : dict
        What explains the version and is part of no digest: rows left out, entity frame, library versions.
    findings : list of dict
        What the checks before publication found (`resampler.quality.finding.Finding`), the worst first.
    grids : dict
        By feature, the steps and bounds that synthetic values were put on.
    profile : StoredFile or None
        Counts of the values of every feature, that later versions and streams are compared with.
    hidden : StoredFile or None
        What on-demand features of the training rows are computed from and no split has a column of.
    format : int
        Of the file. Earlier ones are read too; in 1, what follows from other parts is checked against them.
    """

    name: str
    version: int
    created: str
    seed: int
    ratio: float
    parameters: dict[str, Any]
    inputs: dict[str, Any]
    contract: dict[str, Any]
    columns: dict[str, Any]
    retain: str
    splits: dict[str, SplitEntry]
    lineage: StoredFile
    kept: StoredFile | None
    notes: dict[str, Any]
    left_out: StoredFile | None = None
    report: StoredFile | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)
    grids: dict[str, Any] = field(default_factory=dict)
    profile: StoredFile | None = None
    hidden: StoredFile | None = None
    format: int = field(default=FORMAT)

    @property
    def fields(self) -> dict[str, Any]:
        """What is written, as plain data: the fields that the file's format has."""
        found = asdict(self) | {"splits": {name: entry.plain for name, entry in self.splits.items()}}
        return {name: value for name, value in found.items() if self.knows(name)}

    def knows(self, name: str) -> bool:
        """Say whether manifests of this format have a field.

        Parameters
        ----------
        name : str
            Of the field.

        Returns
        -------
        bool
            False where the field is empty because the release that made the version did not know it.
        """
        return self.format >= _SINCE.get(name, 1)

    @property
    def schema(self) -> FeatureSchema:
        """The features, with the units of distance that the training split gave."""
        return FeatureSchema.from_dict(self.contract)

    @property
    def contract_hash(self) -> str:
        """Hash of the contract before scales, nulls and grids were learned: equal for equal feature services."""
        schema = self.schema
        return schema.with_scale([1.0] * schema.n_features).with_rules().hash

    @property
    def recipe(self) -> str:
        """The sha256 of inputs, contract and parameters: versions with equal recipes are one."""
        return recipe_digest(
            seed=self.seed,
            ratio=self.ratio,
            parameters=self.parameters,
            inputs=self.inputs,
            contract=self.contract_hash,
        )

    @property
    def digest(self) -> str:
        """The sha256 of the recipe and the content of every split."""
        return digest_of({"recipe": self.recipe, "splits": {name: s.sha256 for name, s in self.splits.items()}})

    @property
    def checksums(self) -> dict[str, str]:
        """The sha256 of every field: the digest is that of rows, this is that of what is said about them."""
        return {name: digest_of({name: value}) for name, value in self.fields.items()}

    @property
    def checksum(self) -> str | None:
        """The sha256 of the whole manifest, which the registry knows too; None in format 1."""
        return None if self.format == 1 else digest_of(self.checksums)

    @property
    def stored(self) -> list[StoredFile]:
        """The files of rows that must be there: equal versions have equal bytes."""
        train = SPLITS[0]
        return [
            *(file for name, of in self.splits.items() if self.kept is None or name != train for file in of.files),
            self.kept or self.lineage,
            *([self.left_out] if self.left_out else []),
            *([self.hidden] if self.hidden else []),
        ]

    def stored_as(self, split: str) -> tuple[StoredFile, ...]:
        """Return the files that must be there and hold a split's real rows.

        Parameters
        ----------
        split : str
            One of `splits`.

        Returns
        -------
        tuple of StoredFile
            The split's own files, or `kept` of a training split that can be made again.
        """
        return (self.kept,) if self.kept is not None and split == SPLITS[0] else self.splits[split].files

    @property
    def checked(self) -> list[StoredFile]:
        """What must be there as it was written: `stored`, and what is made of these rows: the page, the profile."""
        return [*self.stored, *self.drawn]

    @property
    def drawn(self) -> list[StoredFile]:
        """The page and the profile, which say what the rows are, and which another release may make otherwise."""
        return [file for file in (self.report, self.profile) if file is not None]

    @property
    def rebuildable(self) -> list[StoredFile]:
        """The files that may be there and can be made from those that must."""
        return [] if self.kept is None else [*self.splits[SPLITS[0]].files, self.lineage]

    @property
    def part_rows(self) -> int:
        """Rows after which its splits were cut; where none was, those of the largest."""
        return max(entry.file.rows for entry in self.splits.values())

    @property
    def datasets(self) -> dict[str, str]:
        """Name of the `SavedDataset` of each split."""
        return {name: entry.dataset for name, entry in self.splits.items()}

    @property
    def counts(self) -> dict[str, Any]:
        """Rows of each split, real and synthetic, and by class."""
        return {
            name: {"rows": s.real + s.synthetic, "real": s.real, "synthetic": s.synthetic, "classes": s.classes}
            for name, s in self.splits.items()
        }

    @property
    def training_rows(self) -> dict[str, int] | None:
        """Real training rows by class before any was left out; None of old versions that cannot say it."""
        if TRAINING_ROWS in self.notes:
            return dict(self.notes[TRAINING_ROWS])
        real = {name: of["real"] for name, of in self.splits[SPLITS[0]].classes.items()}
        if self.parameters.get("undersample") is None and self.left_out is None:
            return real
        if len(real) != 2:
            return None
        # Of two classes it is the larger one's rows that go, by undersampling as by cleaning.
        real[max(real, key=lambda name: real[name])] += self.dropped + (self.left_out.rows if self.left_out else 0)
        return real

    @property
    def class_counts(self) -> ClassCounts:
        """Training rows by class: the real ones before any was left out, and all that the training split holds."""
        train = self.splits[SPLITS[0]].classes
        return ClassCounts.of_version(f"{self.name} version {self.version}", self.training_rows, train, self.parameters)

    @property
    def reached(self) -> float:
        """Smallest : largest class of the training split as it is stored."""
        rows = [sum(counts.values()) for counts in self.splits[SPLITS[0]].classes.values()]
        return min(rows) / max(rows)

    @property
    def dropped(self) -> int:
        """Rows that were read and are in no file: what undersampling left out."""
        held = sum(entry.real for entry in self.splits.values())
        return int(self.inputs["rows"]) - held - (0 if self.left_out is None else self.left_out.rows)

    def to_json(self) -> str:
        """Return the file's content.

        Returns
        -------
        str
            The fields, and what follows from them: digests, counts, names of the datasets.
        """
        derived = {name: getattr(self, name) for name in _DERIVED[self.format]}
        return json.dumps(self.fields | derived, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: str) -> Manifest:
        """Read the file's content.

        Parameters
        ----------
        text : str or bytes
            What `to_json` wrote.
        where : str
            Its path, for the message.

        Returns
        -------
        Manifest
            Equal to the one that was written.

        Raises
        ------
        CorruptStateError
            If it is no manifest, of another format, or was changed since.
        """
        try:
            data = json.loads(text)
            check_format(where, data["format"], _DERIVED)
            stated = {name: data.pop(name) for name in _DERIVED[data["format"]]}
            if unknown := sorted(set(data["splits"]) - set(SPLITS)):
                raise CorruptStateError(f"{where} was changed: it has splits {unknown}: restore it from a copy")
            data["splits"] = {name: SplitEntry.of(data["splits"][name]) for name in SPLITS if name in data["splits"]}
            data["lineage"] = StoredFile(**data["lineage"])
            for name in ("kept", "left_out", "report", "profile", "hidden"):
                data[name] = StoredFile(**data[name]) if data.get(name) else None
            manifest = cls(**data)
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise CorruptStateError(
                f"{where} is not a manifest: {type(error).__name__}: {error}: restore it from a copy"
            ) from error
        _check_stated(manifest, stated, where)
        return manifest


def _check_stated(manifest: Manifest, stated: dict[str, Any], where: str) -> None:
    """Check what a manifest says of itself."""
    sums = stated.pop("checksums", None)
    found = {} if sums is None else manifest.checksums
    changed = [name for name in sorted({*found, *(sums or {})}) if found.get(name) != (sums or {}).get(name)]
    in_words = f" (changed: {', '.join(changed)})" if changed else ""
    try:
        for name, value in stated.items():
            derived = getattr(manifest, name)
            if value != derived:
                raise CorruptStateError(
                    f"{where} was changed: it says {name} {value}, its content gives {derived}{in_words}: "
                    "restore it from a copy"
                )
        contradiction = contradiction_of(manifest.columns, manifest.contract, manifest.inputs)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CorruptStateError(
            f"{where} is not a manifest{in_words}: {type(error).__name__}: {error}: restore it from a copy"
        ) from error
    if changed or contradiction:
        what = f"{', '.join(changed)} not as written" if changed else contradiction
        raise CorruptStateError(f"{where} was changed: {what}: restore it from a copy")
