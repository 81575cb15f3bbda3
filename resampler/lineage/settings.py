"""Whether and where lineage goes: what the users of OpenLineage and MLflow set anyway, and nothing of our own."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

OPENLINEAGE, MLFLOW = "openlineage", "mlflow"  # who events are addressed to; also the packages, and our extras
NAMESPACE = "resampler"  # of jobs and datasets, and of MLflow's experiment, where nothing says another
_FILE = "openlineage.yml"


@dataclass(frozen=True, slots=True)
class OpenLineage:
    """Where events go.

    Parameters
    ----------
    namespace : str
        Of jobs and datasets: a Feast project as Feast's own events name it.
    transport : dict, optional
        As `OpenLineageClient` takes it; by default what that finds itself.
    """

    namespace: str = NAMESPACE
    transport: dict[str, Any] | None = field(default=None, repr=False)  # may hold a key


@dataclass(frozen=True, slots=True)
class MLflow:
    """Where runs go.

    Parameters
    ----------
    experiment : str
        Its name.
    tracking_uri : str, optional
        By default what MLflow finds itself.
    """

    experiment: str = NAMESPACE
    tracking_uri: str | None = field(default=None, repr=False)  # may hold a password


@dataclass(frozen=True, slots=True)
class Settings:
    """Who is told of publications.

    Parameters
    ----------
    openlineage : OpenLineage, optional
        None: no event is made.
    mlflow : MLflow, optional
        None: no run is made.
    """

    openlineage: OpenLineage | None = None
    mlflow: MLflow | None = None

    @property
    def addressed(self) -> tuple[str, ...]:
        """Who is told: `OPENLINEAGE`, `MLFLOW`, both or nobody."""
        return tuple(name for name in (OPENLINEAGE, MLFLOW) if getattr(self, name) is not None)

    @classmethod
    def from_environment(cls, namespace: str | None = None) -> Settings:
        """Find out what the environment asks for.

        Parameters
        ----------
        namespace : str, optional
            Of jobs and datasets; by default ``OPENLINEAGE_NAMESPACE``, else `NAMESPACE`.

        Returns
        -------
        Settings
            Of OpenLineage where its client would find a configuration; of MLflow where ``MLFLOW_TRACKING_URI`` is set
            and the package is there.
        """
        return cls(
            OpenLineage(namespace or os.environ.get("OPENLINEAGE_NAMESPACE") or NAMESPACE) if _transports() else None,
            MLflow(experiment_name()) if os.environ.get("MLFLOW_TRACKING_URI") and is_installed(MLFLOW) else None,
        )


def is_disabled() -> bool:
    """Say whether OpenLineage is switched off by its own variable.

    Returns
    -------
    bool
        Of ``OPENLINEAGE_DISABLED``.
    """
    return os.environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true"


def is_installed(package: str) -> bool:
    """Say whether a package is there, without importing it.

    Parameters
    ----------
    package : str
        Its name.

    Returns
    -------
    bool
        Whether it would be found.
    """
    return find_spec(package) is not None


def experiment_name(default: str = NAMESPACE) -> str:
    """Name the experiment that runs belong to.

    Parameters
    ----------
    default : str
        Where ``MLFLOW_EXPERIMENT_NAME`` is not set.

    Returns
    -------
    str
        Its name.
    """
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or default


def _transports() -> bool:
    """Say whether OpenLineage's client would find a transport: by its variables, or by its file."""
    if is_disabled():
        return False
    if any(os.environ.get(name) for name in ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")):
        return True
    if any(name.startswith("OPENLINEAGE__TRANSPORT") for name in os.environ):
        return True
    return Path(_FILE).is_file() or (Path("~/.openlineage").expanduser() / _FILE).is_file()
