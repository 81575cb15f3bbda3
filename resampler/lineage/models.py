"""From a model that MLflow knows to the version that it was trained on, and its aliases."""

from __future__ import annotations

import json
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from resampler.errors import DataError, InvalidInputError, ResamplerError
from resampler.lineage.tracking import DIGEST_CHARS, client_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

SCHEME = "models:/"
_URI = re.compile(r"models:/([^/@]+)(?:/|@)([^/@]+)")
_CONNECT_S = 0.5
_USUAL = ("mlflow.db", "mlruns")  # what MLflow finds by itself: in the working directory
# Of a request, so that a server that was stopped half way is known within 2 s of a command: importing takes the rest.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "1", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
_TAGS = ("resampler.snapshot", "resampler.digest")


@dataclass(frozen=True, slots=True)
class Origin:
    """Which version a run had as its input.

    Parameters
    ----------
    snapshot : str
        Its name.
    digest : str
        First digits of the version's digest.
    root : str or None
        Where snapshots were kept when the run was told; None where it does not say.
    """

    snapshot: str
    digest: str
    root: str | None


@dataclass(frozen=True, slots=True)
class Model:
    """A version of a registered model.

    Parameters
    ----------
    name : str
        Of the model.
    version : str
        Of its version.
    aliases : tuple of str
        Of that version.
    run_id : str
        That made it.
    origins : tuple of Origin
        What it was trained on; empty where MLflow does not say.
    """

    name: str
    version: str
    aliases: tuple[str, ...]
    run_id: str
    origins: tuple[Origin, ...]

    def __str__(self) -> str:
        return f"{SCHEME}{self.name}/{self.version}"

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints.

        Returns
        -------
        dict
            ``model``, ``version``, ``aliases`` and ``run``.
        """
        return {"model": self.name, "version": self.version, "aliases": list(self.aliases), "run": self.run_id}

    def is_of(self, snapshot: str, digest: str) -> bool:
        """Say whether it was trained on a version.

        Parameters
        ----------
        snapshot : str
            Its name.
        digest : str
            Its digest.

        Returns
        -------
        bool
            By what MLflow says.
        """
        return any(one.snapshot == snapshot and digest.startswith(one.digest) for one in self.origins)


class Models:
    """The models that MLflow's registry knows.

    Parameters
    ----------
    tracking_uri : str, optional
        By default ``MLFLOW_TRACKING_URI``, or what MLflow finds itself.

    Raises
    ------
    InvalidInputError
        If none is named, and the working directory has none.
    ResamplerError
        If no server answers there.
    MissingExtraError
        If MLflow is not installed.
    """

    def __init__(self, tracking_uri: str | None = None) -> None:
        where = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or ""
        named = where or os.environ.get("MLFLOW_REGISTRY_URI")
        if not named and not any(Path(name).exists() for name in _USUAL):  # asking would make an empty one
            raise InvalidInputError(
                f"no MLflow is named, and this directory has none ({' or '.join(_USUAL)}): set MLFLOW_TRACKING_URI"
            )
        _check_reachable(os.environ.get("MLFLOW_REGISTRY_URI") or where)
        self._client: MlflowClient = client_of(tracking_uri, _PATIENCE)

    def find(self, uri: str) -> Model:
        """Find a version of a model.

        Parameters
        ----------
        uri : str
            ``models:/NAME/VERSION``, ``models:/NAME/ALIAS`` or, as MLflow writes it, ``models:/NAME@ALIAS``.

        Returns
        -------
        Model
            With what it was trained on.

        Raises
        ------
        InvalidInputError
            If it is no such URI.
        DataError
            If there is no such model.
        ResamplerError
            If the server does not answer.
        """
        match = _URI.fullmatch(uri)
        if match is None:
            raise InvalidInputError(f"a model is named models:/NAME/ALIAS or models:/NAME/VERSION, got {uri!r}")
        name, which = match.groups()
        if which.isdecimal():
            version = self._asked(uri, lambda: self._client.get_model_version(name, which))
        else:
            version = self._asked(uri, lambda: self._client.get_model_version_by_alias(name, which))
        return self._model(version)

    def at(self, name: str, alias: str) -> Model | None:
        """Find what an alias of a model points to.

        Parameters
        ----------
        name, alias : str
            Of the model, and of the alias.

        Returns
        -------
        Model or None
            None where it points nowhere.

        Raises
        ------
        DataError
            If there is no such model.
        ResamplerError
            If the server does not answer.
        """
        known = self._asked(f"{SCHEME}{name}", lambda: self._client.get_registered_model(name))
        number = known.aliases.get(alias)
        if number is None:
            return None
        return self._model(self._asked(name, lambda: self._client.get_model_version(name, str(number))))

    def trained_on(self, name: str, snapshot: str, digest: str) -> Model:
        """Find the newest version of a model that was trained on a version of a snapshot.

        Parameters
        ----------
        name : str
            Of the model.
        snapshot, digest : str
            Name of the snapshot, and digest of its version.

        Returns
        -------
        Model
            That one.

        Raises
        ------
        DataError
            If there is no such model, or none of its versions was trained on that.
        ResamplerError
            If the server does not answer.
        """
        self._asked(f"{SCHEME}{name}", lambda: self._client.get_registered_model(name))
        versions = self._asked(name, lambda: self._client.search_model_versions(f"name = '{name}'"))
        for version in sorted(versions, key=lambda one: int(one.version), reverse=True):
            model = self._model(version)
            if model.is_of(snapshot, digest):
                return model
        raise DataError(
            f"no version of model {name!r} has {snapshot} of digest {digest[:12]} among its run's inputs: train one on "
            "it, or move the model's alias by hand"
        )

    def point(self, name: str, alias: str, version: str | None) -> None:
        """Let an alias of a model point to a version, or nowhere.

        Parameters
        ----------
        name, alias : str
            Of the model, and of the alias.
        version : str or None
            Of the model.

        Raises
        ------
        ResamplerError
            If the server does not do it.
        """
        if version is None:
            self._asked(name, lambda: self._client.delete_registered_model_alias(name, alias))
        else:
            self._asked(name, lambda: self._client.set_registered_model_alias(name, alias, version))

    def _model(self, version: ModelVersion) -> Model:
        made_by = version.run_id or ""
        run = self._asked(version.name, lambda: self._client.get_run(made_by)) if made_by else None
        return Model(
            version.name,
            str(version.version),
            tuple(sorted(version.aliases or ())),
            made_by,
            () if run is None else tuple(origins(run)),
        )

    def _asked(self, what: str, ask: Callable[[], Any]) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return ask()
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND"):
                raise DataError(f"MLflow knows no {what}: name one that it lists, or set that alias there") from error
            raise ResamplerError(
                f"MLflow does not answer for {what} ({type(error).__name__}, {error.error_code}): see whether its "
                "server is up (MLFLOW_TRACKING_URI)"
            ) from error


def origins(run: Run) -> list[Origin]:
    """Name the versions that a run has as inputs.

    Parameters
    ----------
    run : mlflow.entities.Run
        The run.

    Returns
    -------
    list of Origin
        Empty where it has none of ours.
    """
    found = []
    for one in run.inputs.dataset_inputs if run.inputs else []:
        name, digest = str(one.dataset.name), str(one.dataset.digest)
        if name.endswith("_train") and len(digest) == DIGEST_CHARS:
            found.append(Origin(name.removesuffix("_train"), digest, _root(one.dataset.source)))
    told = [run.data.tags.get(tag) for tag in _TAGS]
    if not found and told[0] and told[1]:  # who tags a run by hand
        found.append(Origin(told[0], told[1], None))
    return found


def _root(source: str) -> str | None:
    """Return where snapshots are kept, of the path ROOT/NAME/v0001/train/FILE."""
    try:
        path = str(json.loads(source)["uri"])
    except (KeyError, TypeError, ValueError):
        return None
    parts = path.removeprefix("file://").rsplit("/", 4)
    return parts[0] if len(parts) == 5 and parts[0] else None


def _check_reachable(uri: str) -> None:
    """Find out at once whether anybody listens, before MLflow is imported and tries again and again."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        return
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), _CONNECT_S).close()
    except OSError as error:
        raise ResamplerError(
            f"MLflow's server {parts.hostname}:{port} does not answer ({error.strerror or error}): start it, or set "
            "MLFLOW_TRACKING_URI to one that runs"
        ) from error
