"""`Registry`: what knows published versions by name, beside their files: Feast's, or a plain directory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from feast_plugin.versions.files.catalog import Catalog
from feast_plugin.versions.files.manifest import FILE
from feast_plugin.versions.files.names import dataset_name, part_name, version_name
from feast_plugin.versions.inputs.contract import NAMESPACE
from feast_plugin.versions.inputs.split import SPLITS
from feast_plugin.versions.inputs.table import TableSource
from resampler.errors import ContractError, InvalidInputError
from resampler.lineage.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from feast_plugin.versions.files.manifest import Manifest
    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.request import Request
    from feast_plugin.versions.inputs.source import Source
    from resampler.storage import Location

_TAG_OF = {"split": "split_rule"}  # of the parameters; "split" says which of the splits a dataset is

ALIAS = f"{NAMESPACE}.alias"  # tag of a dataset that stands for a version under an alias


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One split of a version, as a registry lists it.

    Parameters
    ----------
    name : str
        Unique within a registry: ``NAME_v0001_train``.
    snapshot : str
        Name of the snapshot.
    directory : Location
        Of the version.
    path : str
        Of the Parquet file, in `directory`.
    description : str
        One line for people.
    features : tuple of str
        References of the columns, in order.
    join_keys : tuple of str
        Columns that identify an entity.
    tags : dict of str to str
        Names begin with ``resampler.``.
    full_feature_names : bool
        Columns are named ``view__feature``.
    feature_service : str, optional
        What the features were retrieved by.
    first, last : int, optional
        Event timestamps in microseconds since 1970, UTC; None where rows have none.
    namespace : str, optional
        What Feast groups datasets by; None is ours.
    alias : str, optional
        The alias that it is listed for: under another name, the same rows.
    """

    name: str
    snapshot: str
    directory: Location
    path: str
    description: str = ""
    features: tuple[str, ...] = ()
    join_keys: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    full_feature_names: bool = False
    feature_service: str | None = None
    first: int | None = None
    last: int | None = None
    namespace: str | None = None
    alias: str | None = None


def datasets_of(manifest: Manifest, directory: Location) -> list[Dataset]:
    """Describe the splits of a version.

    Parameters
    ----------
    manifest : Manifest
        The version.
    directory : Location
        Where its files are.

    Returns
    -------
    list of Dataset
        One a split, train last: who finds it finds the others.
    """
    datasets = []
    for split, entry in reversed(manifest.splits.items()):
        tags = {
            "snapshot": manifest.name,
            "version": manifest.version,
            "split": split,
            "seed": manifest.seed,
            "ratio": manifest.ratio,
            **{_TAG_OF.get(key, key): value for key, value in manifest.parameters.items() if key != "algorithm"},
            "label": manifest.columns["label"],
            "contract": manifest.contract_hash,
            "retain": manifest.retain,
            "rows": entry.real + entry.synthetic,
            "synthetic_rows": entry.synthetic,
            "sha256": entry.sha256,
            "digest": manifest.digest,
            "manifest": f"{directory.uri}/{FILE}",
        }
        if manifest.checksum is not None:
            tags["checksum"] = manifest.checksum
        datasets.append(
            Dataset(
                name=entry.dataset,
                snapshot=manifest.name,
                directory=directory,
                path=entry.path,
                description=f"{split} split of {manifest.name} {version_name(manifest.version)}",
                features=tuple(manifest.columns["references"]),
                join_keys=tuple(key["name"] for key in manifest.columns["join_keys"]),
                tags={f"{NAMESPACE}.{key}": str(value) for key, value in tags.items()},
                full_feature_names=manifest.columns["full_feature_names"],
                feature_service=manifest.inputs["feature_service"],
                first=entry.min_event_timestamp,
                last=entry.max_event_timestamp,
                namespace=manifest.notes.get("namespace"),
            )
        )
    return datasets


def lost_alias(dataset: str, alias: str) -> str:
    """Say that a dataset stands for a version under an alias that the file of aliases does not know.

    Parameters
    ----------
    dataset, alias : str
        Their names.

    Returns
    -------
    str
        As `Registry.uses` says it.
    """
    return (
        f"dataset {dataset}, which points to it, is tagged {ALIAS}={alias}, of an alias that aliases.json has lost "
        "(set the alias again, then move it)"
    )


def datasets_named(name: str, version: int, directory: Location) -> list[Dataset]:
    """Name the splits that a version may have, where its manifest cannot be read.

    Parameters
    ----------
    name : str
        Of the snapshot.
    version : int
        Of the version.
    directory : Location
        Where its files are.

    Returns
    -------
    list of Dataset
        Names and places alone.
    """
    return [
        Dataset(name=dataset_name(name, version, split), snapshot=name, directory=directory, path=part_name(split))
        for split in SPLITS
    ]


class Registry(ABC):
    """What knows published versions by name.

    A registry of another kind is a subclass with the verbs `register`, `unregister`, `point`, `differences` and `uses`,
    and an entry in `feast_plugin.registries.REGISTRIES`. Files, manifests, locks and numbers of versions are the same
    everywhere (`feast_plugin.versions.files.catalog`). The verbs that write are called by one process at a time for
    each name of a snapshot.
    """

    @property
    def project(self) -> str | None:
        """What a manifest's inputs call it; None where rows come from tables."""
        return None

    @property
    def guards_itself(self) -> bool:
        """Whether writers that know nothing of our locks cannot undo each other's entries."""
        return True

    @property
    def lineage(self) -> Settings:
        """Who is told of versions; by default as the environment says."""
        return Settings.from_environment()

    @property
    @abstractmethod
    def root(self) -> str | Path:
        """Where versions are kept unless another root is given: a path or a URI of `pyarrow.fs`."""

    @abstractmethod
    def register(self, datasets: Sequence[Dataset]) -> None:
        """Write the datasets of one version; afterwards all of them are there, or an error is raised.

        Parameters
        ----------
        datasets : sequence of Dataset
            Of one version. A name that is taken by an equal dataset is left alone.

        Raises
        ------
        CorruptStateError
            If a name is taken by another dataset, or the registry is damaged.
        """

    @abstractmethod
    def unregister(self, datasets: Sequence[Dataset]) -> None:
        """Remove the datasets of one version; absent ones are no error.

        Parameters
        ----------
        datasets : sequence of Dataset
            By name and directory: what else they say may be lost. An entry of that name whose files lie in another
            directory is another's, and stays.
        """

    @abstractmethod
    def point(self, datasets: Sequence[Dataset], names: Sequence[str], home: Location) -> None:
        """Let names of an alias stand for the datasets of a version, whatever they stood for before.

        Parameters
        ----------
        datasets : sequence of Dataset
            Of one alias; none where it points nowhere.
        names : sequence of str
            That the alias may have: those that no dataset has are removed.
        home : Location
            Directory of the snapshot: an entry whose files lie elsewhere is another's.

        Raises
        ------
        CorruptStateError
            If a name is taken by another's dataset, or the registry is damaged.
        """

    def check_namespace(self, namespace: str | None) -> None:
        """Check that datasets can be registered in a namespace.

        Parameters
        ----------
        namespace : str, optional
            Its name.

        Raises
        ------
        InvalidInputError
            If one is given, and this kind of registry has none.
        """
        if namespace is not None:
            raise InvalidInputError("namespace is Feast's, and a plain catalogue has none: leave it out")

    @abstractmethod
    def differences(self, dataset: Dataset) -> list[str]:
        """Compare a dataset with the entry of its name.

        Parameters
        ----------
        dataset : Dataset
            What the entry should say.

        Returns
        -------
        list of str
            One line a difference; empty if there is none. Tags of the user's own are none.
        """

    @abstractmethod
    def uses(self, datasets: Sequence[Dataset]) -> Iterator[str]:
        """Find what says that a version is in use: nothing removes it then.

        Parameters
        ----------
        datasets : sequence of Dataset
            By name and directory, as in `unregister`.

        Yields
        ------
        str
            What uses it, in words: the last are names of aliases that ``aliases.json`` has lost.
        """

    def source(self, request: Request, column: str | None) -> Source:
        """Find the rows that are asked for; by default in a table (`feast_plugin.versions.inputs.table`).

        Parameters
        ----------
        request : Request
            Which rows.
        column : str, optional
            That the split is decided by, beside the features.

        Returns
        -------
        Source
            Contract and rows.

        Raises
        ------
        ResamplerError
            Of the kind that fits, if the rows cannot be found.
        """
        return TableSource(request, column)

    def transformation(self, contract: Contract) -> Callable[[pa.Table], pa.Table]:
        """Return what computes on-demand features; rows of tables have none.

        Parameters
        ----------
        contract : Contract
            With such features.

        Returns
        -------
        callable
            From a table of features and inputs to one of on-demand features.

        Raises
        ------
        ContractError
            If this kind of registry has no such features, or these are no longer what they were.
        """
        names = ", ".join(one.name for one in contract.on_demand)
        raise ContractError(f"a table has no on-demand features, got {names}: name the Feast repository (--repo)")

    def source_again(self, manifest: Manifest, frame: Mapping[str, Any], column: str | None) -> Source:
        """Find a version's rows again.

        Parameters
        ----------
        manifest : Manifest
            The version.
        frame : dict
            Keywords of `feast_plugin.versions.inputs.request.Request` that say which rows.
        column : str, optional
            That the split is decided by.

        Returns
        -------
        Source
            Contract and rows.

        Raises
        ------
        ResamplerError
            As `source`.
        """
        return TableSource.again(manifest.columns, manifest.notes.get("timestamp"), frame, column)

    def catalog(self, name: str, root: str | Path | None = None) -> Catalog:
        """Find a snapshot's versions; there may be none yet.

        Parameters
        ----------
        name : str
            Of the snapshot.
        root : str or Path, optional
            Where snapshots are kept, by default `root` of the registry.

        Returns
        -------
        Catalog
            Its versions.

        Raises
        ------
        InvalidInputError
            If the root cannot be used, or the name is none.
        """
        return Catalog.open(name, self.root if root is None else root)

    def check_own(self, manifest: Manifest) -> None:
        """Check that a version is of this kind of registry: another would keep entries of files that are gone.

        Parameters
        ----------
        manifest : Manifest
            The version.

        Raises
        ------
        InvalidInputError
            If it was made of a table and this registry retrieves rows, or the reverse.
        """
        project = manifest.inputs["project"]
        if (project is None) != (self.project is None):
            origin = "a table, in a plain catalogue" if project is None else f"Feast project {project!r}"
            remedy = "--catalog" if project is None else "--repo"
            raise InvalidInputError(
                f"{manifest.name} version {manifest.version} was made of {origin}: name that ({remedy}), or take "
                "another name"
            )
