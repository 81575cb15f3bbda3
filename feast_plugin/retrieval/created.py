"""Values that arrived late: left out where the view says when a value was created, and the offline store can."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from typing import TYPE_CHECKING

from feast import FeatureService, FeatureStore, utils
from feast.infra.offline_stores.offline_utils import get_offline_store_from_config

from feast_plugin.notices import notice
from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

OPTION = "filter_by_created_timestamp"  # Feast's name of it, and ours


def filter_of(*, created: bool) -> dict[str, bool]:
    """Return what tells a retrieval to take no value that was created after its row's event timestamp.

    Parameters
    ----------
    created : bool
        Whether that was asked for.

    Returns
    -------
    dict
        A keyword of Feast's; empty where nothing was asked for, for earlier releases do not know it.
    """
    return {OPTION: True} if created else {}


def check_created(store: FeatureStore, features: FeatureService | Sequence[str]) -> None:
    """Check that late arrivals can be left out, and name the views that do not say what arrived late.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose offline store retrieves.
    features : feast.FeatureService or sequence of str
        What is to be retrieved.

    Raises
    ------
    InvalidInputError
        If the installed Feast or the offline store knows no such filter.
    """
    if OPTION not in inspect.signature(FeatureStore.get_historical_features).parameters:
        raise InvalidInputError(
            f"{OPTION} needs Feast 0.67 or later, got {version('feast')}: install that, or leave the option out"
        )
    offline = get_offline_store_from_config(store.config.offline_store)
    if not getattr(offline, f"supports_{OPTION}", False):
        raise InvalidInputError(
            f"the {store.config.offline_store.type} offline store cannot do {OPTION}: retrieve through another store, "
            "or leave the option out"
        )
    views = utils._get_feature_views_to_use(store.registry, store.project, features)[0]
    silent = [view.name for view in views if not getattr(view.batch_source, "created_timestamp_column", "")]
    if silent:
        notice(
            f"{', '.join(silent)}: the source names no created_timestamp_column, so what arrived late there is taken "
            "as if it had been known in time"
        )
