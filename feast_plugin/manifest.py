"""`manifest.json`: what makes a directory of files a version, and all that is needed to rebuild and verify it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from feast_plugin.split import SPLITS
from feast_plugin.storage import Location, check_name
from resampler.errors import CorruptStateError, InvalidInputError
from resampler.schema import FeatureSchema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = 1
FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One immutable file of a version.

    Parameters
    ----------
    path : str
        Relative to the version's directory.
    rows, bytes : int
        Its size.
    sha256 : str
        Of its bytes.
    """

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SplitEntry:
    """One split of a version.

    Parameters
    ----------
    dataset : str
        Name of its `SavedDataset`.
    file : StoredFile
        Where its rows are: the real ones in canonical order, then the synthetic ones.
    real, synthetic : int
        Rows of each kind.
    classes : dict of str to dict
        For each class, ``{"real": rows, "synthetic": rows}``.
    min_event_timestamp, max_event_timestamp : int
        Microseconds since 1970, UTC.
    sha256 : str
        Of the logical content (`feast_plugin.identity.ContentDigest`).
    """

    dataset: str
    file: StoredFile
    real: int
    synthetic: int
    classes: dict[str, dict[str, int]]
    min_event_timestamp: int
    max_event_timestamp: int
    sha256: str


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
        `feast_plugin.rebuild`; `kept` is what is stored of the train file.
    splits : dict of str to SplitEntry
        The splits that have rows.
    lineage : StoredFile
        Parents of the synthetic rows.
    kept : StoredFile or None
        The real training rows and, under ``sample``, the first synthetic ones.
    notes : dict
        What explains the version and is part of no digest: rows left out, entity frame, library versions.
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
    format: int = field(default=FORMAT)

    @property
    def schema(self) -> FeatureSchema:
        """The features, with the units of distance that the training split gave."""
        return FeatureSchema.from_dict(self.contract)

    @property
    def contract_hash(self) -> str:
        """Hash of the contract before any scale was fitted: equal for equal feature services."""
        schema = self.schema
        return schema.with_scale([1.0] * schema.n_features).hash

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
    def stored(self) -> list[StoredFile]:
        """The files that must be there, beside the manifest."""
        train = self.splits[SPLITS[0]].file
        return [
            *(entry.file for entry in self.splits.values() if self.kept is None or entry.file != train),
            self.kept or self.lineage,
        ]

    @property
    def rebuildable(self) -> list[StoredFile]:
        """The files that may be there and can be made from those that must."""
        return [] if self.kept is None else [self.splits[SPLITS[0]].file, self.lineage]

    @property
    def counts(self) -> dict[str, Any]:
        """Rows of each split, real and synthetic, and by class."""
        return {
            name: {"rows": s.real + s.synthetic, "real": s.real, "synthetic": s.synthetic, "classes": s.classes}
            for name, s in self.splits.items()
        }

    def to_json(self) -> str:
        """Return the file's content.

        Returns
        -------
        str
            The fields, and the digests that follow from them.
        """
        derived = {"digest": self.digest, "recipe": self.recipe}
        return json.dumps(asdict(self) | derived, indent=1, sort_keys=True) + "\n"

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
            digest = data.pop("digest")
            del data["recipe"]
            if data["format"] != FORMAT:
                raise CorruptStateError(f"{where} has format {data['format']}, this version reads {FORMAT}")
            data["splits"] = {
                name: SplitEntry(**(data["splits"][name] | {"file": StoredFile(**data["splits"][name]["file"])}))
                for name in SPLITS
                if name in data["splits"]
            }
            data["lineage"] = StoredFile(**data["lineage"])
            data["kept"] = StoredFile(**data["kept"]) if data["kept"] else None
            manifest = cls(**data)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CorruptStateError(f"{where} is not a manifest: {type(error).__name__}: {error}") from error
        if manifest.digest != digest:
            raise CorruptStateError(
                f"{where} was changed: it says digest {digest}, its content gives {manifest.digest}: "
                "restore it from a copy"
            )
        return manifest


def recipe_digest(*, seed: int, ratio: float, parameters: dict[str, Any], inputs: dict[str, Any], contract: str) -> str:
    """Hash what decides the rows of a version.

    Parameters
    ----------
    seed, ratio, parameters, inputs
        As in `Manifest`.
    contract : str
        Hash of the contract before any scale was fitted.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return digest_of({"seed": seed, "ratio": ratio, "parameters": parameters, "inputs": inputs, "contract": contract})


def digest_of(data: Mapping[str, Any]) -> str:
    """Hash plain data.

    Parameters
    ----------
    data : dict
        JSON types.

    Returns
    -------
    str
        The sha256 of its canonical JSON.
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def version_name(version: int) -> str:
    """Return the directory of a version.

    Parameters
    ----------
    version : int
        From 1.

    Returns
    -------
    str
        ``v0001`` for 1.
    """
    return f"v{version:04d}"


class Catalog:
    """The versions of one snapshot.

    Parameters
    ----------
    root : Location
        Root of all snapshots.
    name : str
        Of this one, checked.
    """

    def __init__(self, root: Location, name: str) -> None:
        self.name = name
        self.home = root / name

    @classmethod
    def open(cls, root: str | Path, name: str) -> Catalog:
        """Find a snapshot's versions; there may be none yet.

        Parameters
        ----------
        root : str or Path
            Where snapshots are kept: a path or a URI.
        name : str
            Of the snapshot.

        Returns
        -------
        Catalog
            Its versions.

        Raises
        ------
        InvalidInputError
            If the root cannot be used, or the name is none.
        """
        return cls(Location.parse(root), check_name(name))

    def numbers(self) -> list[int]:
        """List the published versions: those with a manifest.

        Returns
        -------
        list of int
            Ascending.
        """
        return [n for n in self._directories() if (self.directory(n) / FILE).exists()]

    def directory(self, version: int) -> Location:
        """Return where a version's files are.

        Parameters
        ----------
        version : int
            From 1.

        Returns
        -------
        Location
            Its directory.
        """
        return self.home / version_name(version)

    def load(self, version: int | None = None) -> Manifest:
        """Read a version's manifest.

        Parameters
        ----------
        version : int, optional
            By default the newest.

        Returns
        -------
        Manifest
            As written.

        Raises
        ------
        InvalidInputError
            If there is no such version.
        CorruptStateError
            If its manifest cannot be read.
        """
        numbers = self.numbers()
        if not numbers or (version is not None and version not in numbers):
            raise InvalidInputError(
                f"snapshot {self.name!r} has no version {'at all' if version is None else version} under "
                f"{self.home.uri}; it has {', '.join(map(str, numbers)) or 'none'}"
            )
        directory = self.directory(numbers[-1] if version is None else version)
        file = directory / FILE
        return Manifest.from_json(file.read(), file.uri)

    def next_number(self) -> int:
        """Return the number that the next version gets; none is ever given twice.

        Returns
        -------
        int
            One above every number given so far.
        """
        high_water = self.home / ".last"
        last = int(high_water.read()) if high_water.exists() else 0
        return max([last, *self._directories()], default=0) + 1

    def retire(self, version: int) -> None:
        """Remove a version's files and remember that its number was used.

        Parameters
        ----------
        version : int
            A published version.
        """
        (self.home / ".last").publish(str(self.next_number() - 1).encode())
        # The manifest goes first: without it the rest is debris, which `tidy` removes if this is cut short.
        (self.directory(version) / FILE).remove()
        self.directory(version).remove()

    def tidy(self) -> None:
        """Remove what a killed writer left; call it with the lock held."""
        for number in self._directories():
            if not (self.directory(number) / FILE).exists():
                self.directory(number).remove()

    def _directories(self) -> list[int]:
        names = self.home.directories()
        return sorted(int(n[1:]) for n in names if n[:1] == "v" and n[1:].isdigit())
