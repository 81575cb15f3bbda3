"""`Retrieval`: rows that a feature store joins point in time, as a version's source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feast import FeatureService
from feast.errors import FeastObjectNotFoundException

from feast_plugin.retrieval.contract import build_contract
from feast_plugin.retrieval.created import check_created
from feast_plugin.retrieval.frame import open_frame, read_frame
from feast_plugin.retrieval.point_in_time import retrieve
from feast_plugin.versions.inputs.source import Source
from resampler.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from feast import FeatureStore

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.frame import EntityFrame
    from feast_plugin.versions.inputs.request import Request
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.inputs.tombstones import Tombstones
    from resampler.engines.workplace import Workplace


class Retrieval(Source):
    """Features that are joined to an entity frame.

    Parameters
    ----------
    store : feast.FeatureStore
        Where the features are.
    features : feast.FeatureService or list of str
        What to retrieve.
    frame : EntityFrame
        The rows that it is about.
    contract : Contract
        What the views promise.
    column : str, optional
        The split rule's.
    created : bool
        Take no value that was created after its row's event timestamp.
    """

    def __init__(
        self,
        store: FeatureStore,
        features: FeatureService | list[str],
        frame: EntityFrame,
        contract: Contract,
        column: str | None,
        *,
        created: bool,
    ) -> None:
        super().__init__(contract)
        self._store = store
        self._features = features
        self._frame = frame
        self._column = column
        self._created = created

    @classmethod
    def open(cls, store: FeatureStore, request: Request, column: str | None) -> Retrieval:
        """Find what a request names, and read the contract from the registry.

        Parameters
        ----------
        store : feast.FeatureStore
            Where the features are.
        request : Request
            Features, label, and an entity frame or a span of time.
        column : str, optional
            The split rule's.

        Returns
        -------
        Retrieval
            Nothing was retrieved yet.

        Raises
        ------
        InvalidInputError
            As `Request.check_views`, `check_created`, `open_frame` and `build_contract`.
        ContractError
            If the service is unknown; and as `build_contract`.
        DataError
            As `open_frame` and `build_contract`.
        """
        request.check_views()
        features = find_features(store, request.feature_service, request.features)
        if request.filter_by_created_timestamp:
            check_created(store, features)
        frame = open_frame(store, request.entity_df, request.start_date, request.end_date)
        contract = build_contract(
            store,
            features,
            request.label,
            frame_columns=frame.columns,
            full_feature_names=request.full_feature_names,
        )
        return cls(store, features, frame, contract, column, created=request.filter_by_created_timestamp)

    @property
    def origin(self) -> dict[str, Any]:
        """Project, feature service if one was asked for, and whether late arrivals are left out."""
        service = self._features.name if isinstance(self._features, FeatureService) else None
        found = {"project": self._store.project, "feature_service": service}
        return found | ({"filter_by_created_timestamp": True} if self._created else {})

    @property
    def notes(self) -> dict[str, Any]:
        """The entity frame's path, its SQL, or the span of time."""
        return {"entity_frame": self._frame.notes}

    @property
    def size(self) -> tuple[int, int] | None:
        """Rows of the entity frame, and their bytes; of SQL and spans of time they are not known."""
        return self._frame.size

    def rows(self, spool: Path, forgotten: Tombstones, place: Workplace | None = None) -> CanonicalRows:
        """Retrieve the rows.

        Parameters
        ----------
        spool : Path
            A local directory with room for the rows once.
        forgotten : Tombstones
            Entities that are left out.
        place : Workplace, optional
            As in `Source.rows`.

        Returns
        -------
        CanonicalRows
            In canonical form on disk.

        Raises
        ------
        ContractError, DataError, ResamplerError
            As `read_frame` and `retrieve`.
        """
        return retrieve(
            self._store,
            self._features,
            self.contract,
            read_frame(self._store, self._frame, self.contract, extra=self._column),
            extra=self._column,
            created=self._created,
            spool=spool,
            forgotten=forgotten,
            place=place,
        )


def find_features(
    store: FeatureStore, service: str | FeatureService | None, features: Sequence[str] | None
) -> FeatureService | list[str]:
    """Find a feature service, or take references as they are.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry knows the service.
    service : str or feast.FeatureService, optional
        The service, or its name.
    features : sequence of str, optional
        References ``view:feature`` in place of a service.

    Returns
    -------
    feast.FeatureService or list of str
        What Feast retrieves.

    Raises
    ------
    ContractError
        If there is no such service.
    """
    if features is not None:
        return list(features)
    if isinstance(service, FeatureService):
        return service
    try:
        return store.get_feature_service(service)
    except FeastObjectNotFoundException:
        known = sorted(s.name for s in store.list_feature_services())
        raise ContractError(
            f"feature service {service!r} is not in project {store.project!r}; it has {', '.join(known) or 'none'}"
        ) from None
