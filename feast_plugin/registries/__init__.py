"""The kinds of registries, each under the command's option that opens it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feast_plugin.versions.inputs.request import Request
from feast_plugin.versions.registry import Registry
from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable


def _check_repo(repo: str) -> None:
    if not (Path(repo) / "feature_store.yaml").is_file():
        raise InvalidInputError(f"--repo {repo!r} has no feature_store.yaml: name a Feast repository")


def _check_directory(path: str) -> None:
    if not path:
        raise InvalidInputError("--catalog must name a directory, got '': name one, or . for the current one")
    if "://" in path:
        return
    if Path(path).is_file():
        raise InvalidInputError(f"--catalog {path!r} is a file: name a directory, which need not exist yet")
    if (Path(path) / "feature_store.yaml").is_file():
        raise InvalidInputError(f"--catalog {path!r} is a Feast repository: name it as one (--repo), or a directory")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of registry.

    Parameters
    ----------
    home : str
        Module and class in this package, imported when one is opened: ``module:Class``. The class's `open` or, without
        one, the class itself takes what the option says.
    help : str
        Of the command's option.
    check : callable
        Raises `InvalidInputError` where the option's value can be no such registry; imports nothing slow.
    check_request : callable
        Raises `InvalidInputError` where a `Request` asks for what this kind has not.
    root : callable
        From the option's value, where versions are kept unless ``--root`` is given.
    extra : str
        The extra of this distribution that brings what the module imports.
    """

    home: str
    help: str
    check: Callable[[str], None]
    check_request: Callable[[Request], None]
    root: Callable[[str], str | Path]
    extra: str

    def load(self) -> Callable[[str], Registry]:
        """Import what opens a registry.

        Returns
        -------
        callable
            Takes what the option says; raises `InvalidInputError` where it cannot be opened.

        Raises
        ------
        ModuleNotFoundError
            If `extra` is not installed.
        """
        module, _, name = self.home.partition(":")
        kind = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        return getattr(kind, "open", kind)


REGISTRIES = {
    "repo": Kind(
        "feast:FeastRegistry",
        "Feast repository: the directory of feature_store.yaml.",
        check=_check_repo,
        check_request=Request.check_views,
        root=lambda repo: Path(repo) / "snapshots",
        extra="feast",
    ),
    "catalog": Kind(
        "directory:DirectoryRegistry",
        "Without Feast: a directory, or a URI (s3://, gs://), that holds the snapshots of tables.",
        check=_check_directory,
        check_request=Request.check_table,
        root=lambda path: path,
        extra="snapshot",
    ),
}


def registry_of(store: Any) -> Registry:
    """Find the registry that is meant.

    Parameters
    ----------
    store : feast.FeatureStore, str, Path or Registry
        A feature store; the directory of a plain catalogue; or a registry of any kind.

    Returns
    -------
    Registry
        The one of that store.

    Raises
    ------
    InvalidInputError
        If it is nothing of the kind.
    """
    if isinstance(store, Registry):
        return store
    if isinstance(store, str | Path):
        REGISTRIES["catalog"].check(str(store))
        return REGISTRIES["catalog"].load()(str(store))
    if not (hasattr(store, "registry") and hasattr(store, "repo_path")):
        raise InvalidInputError(
            f"store must be a feast.FeatureStore or the directory of a plain catalogue, got {type(store).__name__}"
        )
    from feast_plugin.registries.feast import FeastRegistry

    return FeastRegistry(store)
