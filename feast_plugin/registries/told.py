"""Whom Feast's own configuration says that lineage is told to."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from resampler.errors import InvalidInputError
from resampler.lineage.settings import MLflow, OpenLineage, Settings, experiment_name, is_disabled

if TYPE_CHECKING:
    from feast import FeatureStore


def settings_of(store: FeatureStore) -> Settings:
    """Read the sections ``openlineage`` and ``mlflow`` of ``feature_store.yaml``.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose configuration.

    Returns
    -------
    Settings
        In the namespace of Feast's own events, so that graphs join. Where a section is missing or names no server, as
        the environment says.

    Raises
    ------
    InvalidInputError
        If a section is wrong.
    """
    found = Settings.from_environment()
    if found.openlineage is not None:
        found = dataclasses.replace(found, openlineage=OpenLineage(_namespace("", store.project)))
    asked = getattr(store.config, "openlineage", None)
    if asked is not None and asked.enabled and not is_disabled():
        try:
            transport = asked.to_openlineage_config().get_transport_config()
        except ValueError as error:
            raise InvalidInputError(f"openlineage of feature_store.yaml: {error}") from error
        if transport is not None or found.openlineage is not None:
            told = OpenLineage(_namespace(asked.namespace, store.project), transport)
            found = dataclasses.replace(found, openlineage=told)
    runs = getattr(store.config, "mlflow", None)
    if runs is not None and runs.enabled:
        told_to = MLflow(experiment_name(store.project), runs.get_tracking_uri())
        found = dataclasses.replace(found, mlflow=told_to)
    return found


def _namespace(configured: str, project: str) -> str:
    """Name the namespace as Feast does, earlier releases of which have no events."""
    try:
        from feast.openlineage.identity import resolve_namespace
    except ImportError:
        return project
    return str(resolve_namespace(configured, project))
