"""Rows of today from a feature service: what the entry point `resampler.profiles` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feast_plugin.notices import shown
from feast_plugin.registries import REGISTRIES
from feast_plugin.registries.feast import open_store
from feast_plugin.retrieval.frame import open_frame
from feast_plugin.retrieval.point_in_time import feast_errors
from feast_plugin.retrieval.projected import projections
from feast_plugin.retrieval.retrieval import find_features
from feast_plugin.retrieval.sources import at_absolute_paths
from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from resampler.profile.profile import Profile


def from_feature_service(
    where: str, reference: Profile, *, repo: str | None = None, entity_df: str | None = None
) -> Iterator[pa.Table]:
    """Retrieve the features of a service for an entity frame, point in time.

    Parameters
    ----------
    where : str
        Name of the service.
    reference : Profile
        Whose features say whether they are called by their view, too.
    repo : str or None
        Directory of ``feature_store.yaml``.
    entity_df : str or None
        Path or URI of a ``.parquet``, ``.csv`` or ``.sql`` file, or a SELECT: entities and event timestamps, and the
        label where it is known.

    Yields
    ------
    pyarrow.Table
        All rows. The store may drop such as have no features.

    Raises
    ------
    InvalidInputError
        If the repository or the frame is not named, or cannot be read.
    ContractError
        If there is no such service.
    DataError
        If the frame cannot be read.
    ResamplerError
        If Feast or its engine fails.
    """
    if repo is None:
        raise InvalidInputError("--feast needs --feast-repo, or --repo: the Feast repository that has the service")
    if entity_df is None:
        raise InvalidInputError("--feast needs --entity-df: the entities and times whose features are retrieved")
    REGISTRIES["repo"].check(repo)
    with shown():
        store = open_store(repo)
        service = find_features(store, where, None)
        short = {field.name for p in projections(store, service) for field in p.fields}
        full = short.isdisjoint(reference.cells)
        frame = open_frame(store, entity_df)
        data = frame.data
        if not isinstance(data, str):
            # Under a feature's name a column of the frame would clash.
            table = frame.read([name for name in frame.columns or [] if name not in short])
            data = table.to_pandas()
        with feast_errors():
            job = at_absolute_paths(store).get_historical_features(
                entity_df=data, features=service, full_feature_names=full
            )
            yield job.to_arrow()
