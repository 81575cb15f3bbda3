"""The Feast registry: one `SavedDataset` a split, written so that no other entry is ever lost."""

from __future__ import annotations

import dataclasses
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feast import FeatureStore
from feast.infra.registry.registry import Registry as FileRegistry

from feast_plugin.notices import notice
from feast_plugin.registries.guarded import exclusive
from feast_plugin.registries.saved import GROUPS, differing, find_dataset, is_in, saved_dataset
from feast_plugin.registries.storage import uri_of
from feast_plugin.registries.told import settings_of
from feast_plugin.retrieval.on_demand import transformation
from feast_plugin.retrieval.retrieval import Retrieval
from feast_plugin.versions.inputs.contract import NAMESPACE
from feast_plugin.versions.inputs.request import Request
from feast_plugin.versions.registry import ALIAS, Registry, lost_alias
from resampler.errors import CorruptStateError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from feast.saved_dataset import SavedDataset

    from feast_plugin.versions.files.manifest import Manifest
    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.registry import Dataset
    from resampler.lineage.settings import Settings
    from resampler.storage import Location

ATTEMPTS = 5  # to write next to a Feast process that takes no lock


def open_store(repo: str | Path) -> FeatureStore:
    """Open a Feast repository.

    Parameters
    ----------
    repo : str or Path
        Directory of ``feature_store.yaml``.

    Returns
    -------
    feast.FeatureStore
        Its registry was read.

    Raises
    ------
    InvalidInputError
        If Feast cannot read its configuration or its registry.
    """
    try:
        store = FeatureStore(repo_path=str(Path(repo).resolve()))
        store.registry.refresh(store.project)
    except Exception as error:  # a configuration or registry that Feast cannot read, each with an error of its own
        raise InvalidInputError(
            f"--repo {str(repo)!r} cannot be opened: {type(error).__name__}: {error}: has `feast apply` been run?"
        ) from error
    return store


class FeastRegistry(Registry):
    """Versions as saved datasets of a Feast project, made of rows that its views give.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry is read and written.
    """

    def __init__(self, store: FeatureStore) -> None:
        self._store = store

    @classmethod
    def open(cls, repo: str) -> FeastRegistry:
        """Open a Feast repository.

        Parameters
        ----------
        repo : str
            Directory of ``feature_store.yaml``.

        Returns
        -------
        FeastRegistry
            Its registry.

        Raises
        ------
        InvalidInputError
            As `open_store`.
        """
        return cls(open_store(repo))

    @property
    def project(self) -> str:
        """Name of the Feast project."""
        return str(self._store.project)

    @property
    def guards_itself(self) -> bool:
        """Whether it is a database; who writes Feast's file takes no lock."""
        return not isinstance(self._store.registry, FileRegistry)

    @property
    def lineage(self) -> Settings:
        """Who is told of versions: whom `feature_store.yaml` names, else whom the environment does."""
        return settings_of(self._store)

    @property
    def root(self) -> Path:
        """The directory ``snapshots`` in the repository."""
        return Path(self._store.repo_path) / "snapshots"

    def register(self, datasets: Sequence[Dataset]) -> None:
        """Write datasets and their sources to the registry, and check that they are there.

        Parameters
        ----------
        datasets : sequence of Dataset
            As `feast_plugin.versions.registry.Registry.register` says.

        Raises
        ------
        CorruptStateError
            If a name is taken by another dataset, or another writer keeps undoing the write.
        """
        project = self.project
        wanted = [saved_dataset(dataset, self._store) for dataset in datasets]
        with exclusive(self._store) as registry:
            for _ in range(ATTEMPTS):
                registry.refresh(project)
                missing = [d for d in wanted if not _is_registered(registry, project, d)]
                if not missing:
                    return
                for dataset in missing:
                    # The remote offline server looks up the source of a dataset by its path.
                    source = dataset.storage.to_data_source()
                    registry.apply_data_source(source, project, commit=False)
                    registry.apply_saved_dataset(dataset, project, commit=False)
                registry.commit()
        raise CorruptStateError(
            f"the registry lost {missing[0].name!r} {ATTEMPTS} times while it was written: another process writes to "
            "it without a lock; stop it and run again, or use the SQL registry"
        )

    def unregister(self, datasets: Sequence[Dataset]) -> None:
        """Remove datasets and their sources from the registry.

        Parameters
        ----------
        datasets : sequence of Dataset
            As `feast_plugin.versions.registry.Registry.unregister` says.
        """
        with exclusive(self._store) as registry:
            registry.refresh(self.project)
            for dataset in datasets:
                found = find_dataset(registry, self.project, dataset.name, allow_cache=True)
                if found is not None and not is_in(found, dataset):
                    notice(
                        f"the registry's dataset {dataset.name!r} is not of {dataset.directory.uri}, but of "
                        f"{uri_of(found.storage)}: it stays"
                    )
                    continue
                if found is not None:
                    registry.delete_saved_dataset(dataset.name, self.project, commit=False)
                if dataset.alias is not None:  # the source is the version's
                    continue
                source = (
                    found or saved_dataset(dataset, self._store)
                ).storage.to_data_source()  # what is known by name may be a folder
                if source.name in {s.name for s in registry.list_data_sources(self.project, allow_cache=True)}:
                    registry.delete_data_source(source.name, self.project, commit=False)
            registry.commit()

    def point(self, datasets: Sequence[Dataset], names: Sequence[str], home: Location) -> None:
        """Let names of an alias stand for the datasets of a version, and check that they do.

        Parameters
        ----------
        datasets, names, home
            As `feast_plugin.versions.registry.Registry.point` says.

        Raises
        ------
        CorruptStateError
            If a name is taken by another dataset, or another writer keeps undoing the write.
        """
        project = self.project
        wanted = {dataset.name: saved_dataset(dataset, self._store) for dataset in datasets}
        with exclusive(self._store) as registry:
            plain = isinstance(registry, FileRegistry)
            for attempt in range(ATTEMPTS):
                registry.refresh(project)
                stale = list(_stale(registry, project, wanted, names, home))
                if not stale:
                    return
                for name, found in stale:
                    # Applied over an entry, the file registry keeps the old time window and hides rows. There both
                    # steps are one write; a database has no window of its own, or loses the entry for a moment.
                    if found is not None and (plain or attempt or name not in wanted):
                        registry.delete_saved_dataset(name, project, commit=False)
                    if name in wanted:
                        registry.apply_saved_dataset(_with_users_tags(wanted[name], found), project, commit=False)
                registry.commit()
        raise CorruptStateError(
            f"the registry lost {stale[0][0]!r} {ATTEMPTS} times while it was written: another process writes to it "
            "without a lock; stop it and run again, or use the SQL registry"
        )

    def check_namespace(self, namespace: str | None) -> None:
        """Check that datasets can be registered in a namespace.

        Parameters
        ----------
        namespace : str, optional
            Its name.

        Raises
        ------
        InvalidInputError
            If one is given and the installed Feast has none, or it is empty.
        """
        if namespace is None:
            return
        if not GROUPS:
            raise InvalidInputError(
                f"namespace needs a Feast whose saved datasets have one, got {version('feast')}: install a later "
                "release, or leave the option out"
            )
        if not namespace:
            raise InvalidInputError("namespace must be a name, got '': name one, or leave the option out")

    def differences(self, dataset: Dataset) -> list[str]:
        """Compare a dataset with the registry's entry of its name.

        Parameters
        ----------
        dataset : Dataset
            What it should be.

        Returns
        -------
        list of str
            One line a difference; empty if there is none.
        """
        found = find_dataset(self._store.registry, self.project, dataset.name)
        if found is None:
            return [f"{dataset.name} is not in the registry"]
        return [
            f"{dataset.name}: {what} is {theirs!r} in the registry, {ours!r} by the manifest"
            for what, theirs, ours in differing(found, saved_dataset(dataset, self._store))
        ]

    def uses(self, datasets: Sequence[Dataset]) -> Iterator[str]:
        """Find tags that say that a version is in use.

        Parameters
        ----------
        datasets : sequence of Dataset
            Of the version.

        Yields
        ------
        str
            A tag of the user's own on a dataset, or one on a feature service or view whose value is a dataset's name.
        """
        entries = {d.name: find_dataset(self._store.registry, self.project, d.name) for d in datasets}
        names = {d.name for d in datasets if (found := entries[d.name]) is None or is_in(found, d)}
        for name in sorted(names):
            entry = entries[name]
            for key, value in ({} if entry is None else entry.tags).items():
                if not key.startswith(f"{NAMESPACE}."):
                    yield f"dataset {name} is tagged {key}={value}"
        for thing in [*self._store.list_feature_services(), *self._store.list_all_feature_views()]:
            for key, value in thing.tags.items():
                if value in names:
                    yield f"{thing.name} is tagged {key}={value}"
        for one in self._store.registry.list_saved_datasets(self.project):
            if ALIAS in one.tags and any(is_in(one, dataset) for dataset in datasets):
                yield lost_alias(one.name, one.tags[ALIAS])

    def source(self, request: Request, column: str | None) -> Retrieval:
        """Find the rows that are asked for: features are retrieved point in time.

        Parameters
        ----------
        request : Request
            Features, label, and an entity frame or a span of time.
        column : str, optional
            That the split is decided by.

        Returns
        -------
        Retrieval
            Contract and rows.

        Raises
        ------
        InvalidInputError, ContractError, DataError
            As `feast_plugin.retrieval.retrieval.Retrieval.open`.
        """
        return Retrieval.open(self._store, request, column)

    def transformation(self, contract: Contract) -> Callable[[pa.Table], pa.Table]:
        """Return what computes on-demand features: the views' own transformation.

        Parameters
        ----------
        contract : Contract
            Names the views.

        Returns
        -------
        callable
            From a table of features and inputs to one of on-demand features.

        Raises
        ------
        ContractError
            As `feast_plugin.retrieval.on_demand.transformation`.
        """
        return transformation(self._store, contract)

    def source_again(self, manifest: Manifest, frame: Mapping[str, Any], column: str | None) -> Retrieval:
        """Find a version's rows again.

        Parameters
        ----------
        manifest : Manifest
            The version.
        frame : dict
            Which rows: `entity_df`, or `start_date` and `end_date`.
        column : str, optional
            That the split is decided by.

        Returns
        -------
        Retrieval
            Contract and rows.

        Raises
        ------
        InvalidInputError, ContractError, DataError
            As `source`.
        """
        service = manifest.inputs["feature_service"]
        reference = manifest.columns["label_reference"]
        view, _, label = reference.partition(":")
        request = Request(
            feature_service=service,
            features=None if service else [c["reference"] for c in manifest.columns["features"]],
            label=label if view == NAMESPACE else reference,
            filter_by_created_timestamp=manifest.inputs.get("filter_by_created_timestamp", False),
            full_feature_names=manifest.columns["full_feature_names"],
            **frame,
        )
        found = self.source(request, column)
        if manifest.format == 1:  # which kept booleans and int32 as int64
            kept = manifest.schema.label.column.type.arrow_type
            found.contract = dataclasses.replace(found.contract, label_type=kept)
        return found


def _stale(
    registry: Any, project: str, wanted: Mapping[str, SavedDataset], names: Sequence[str], home: Location
) -> Iterator[tuple[str, SavedDataset | None]]:
    """Yield the names of an alias that do not say what they should, each with the entry that is there."""
    for name in names:
        found = find_dataset(registry, project, name, allow_cache=True)
        own = found is not None and uri_of(found.storage).startswith(f"{home.uri}/") and ALIAS in found.tags
        if found is not None and not own:
            raise CorruptStateError(
                f"the registry has another dataset {name!r}, of {uri_of(found.storage)}: delete that entry, or take "
                "another name"
            )
        if (found is None) != (name not in wanted) or (found is not None and differing(found, wanted[name])):
            yield name, found


def _with_users_tags(saved: SavedDataset, found: SavedDataset | None) -> SavedDataset:
    theirs = {} if found is None else found.tags
    saved.tags = {key: value for key, value in theirs.items() if not key.startswith(f"{NAMESPACE}.")} | saved.tags
    return saved


def _is_registered(registry: Any, project: str, dataset: SavedDataset) -> bool:
    found = find_dataset(registry, project, dataset.name, allow_cache=True)
    if found is None:
        return False
    # A name is never reused: the file registry would keep the old time window and hide rows.
    for what, theirs, ours in differing(found, dataset):
        raise CorruptStateError(
            f"the registry has another dataset {dataset.name!r}: {what} is {theirs!r}, not {ours!r}: "
            "delete that entry or snapshot under another name"
        )
    return True
