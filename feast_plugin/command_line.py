"""What the commands of `resampler snapshot` have in common: where versions are, and options under one name."""

from __future__ import annotations

import contextlib
import functools
import sys
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from feast_plugin import notices
from feast_plugin.registries import REGISTRIES
from resampler.errors import InvalidInputError, MissingExtraError
from resampler.printing import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from feast_plugin.registries import Kind
    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.registry import Registry


@dataclass(frozen=True, slots=True)
class Place:
    """Where versions are kept and registered, as the command line says it.

    Parameters
    ----------
    kind : Kind, optional
        Of the registry; None where only the root was given.
    where : str
        What its option says.
    root : str or Path
        Where versions are kept.
    """

    kind: Kind | None
    where: str
    root: str | Path

    @classmethod
    def of(cls, root: str | None, **given: str | None) -> Place:
        """Find the place that options name.

        Parameters
        ----------
        root : str or None
            Where versions are kept; None: where their registry keeps them.
        **given : str or None
            By kind of registry, what its option says.

        Returns
        -------
        Place
            Of one registry, or of none where the root alone is given.

        Raises
        ------
        InvalidInputError
            If nothing is given, or two registries are, or what is given can be none.
        """
        named = {option: where for option in REGISTRIES if (where := given[option]) is not None}
        options = [f"--{option}" for option in REGISTRIES]
        if len(named) > 1:
            raise InvalidInputError(f"give one of {', '.join(options)}: each is a registry")
        if not named and root is None:
            raise InvalidInputError(
                f"give {', '.join(options)} or --root: where versions are registered; to read them, --root is enough, "
                "where their files are"
            )
        for option, where in named.items():
            kind = REGISTRIES[option]
            kind.check(where)
            return cls(kind, where, root or kind.root(where))
        return cls(None, "", root or "")

    @contextlib.contextmanager
    def opened(self) -> Iterator[Registry]:
        """Run what needs the registry: say how to install it, and keep its prints and warnings off the answer.

        Yields
        ------
        Registry
            Opened.

        Raises
        ------
        InvalidInputError
            If none was named, or it cannot be opened.
        MissingExtraError
            If what opens it is not installed.
        """
        if self.kind is None:
            options = " or ".join(f"--{option}" for option in REGISTRIES)
            raise InvalidInputError(f"give {options}: this needs the registry, not its files alone")
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            try:
                kind = self.kind.load()  # Feast resets the filter of warnings when it is imported
                with notices.shown():
                    yield kind(self.where)
            except ModuleNotFoundError as error:
                raise MissingExtraError(
                    f"`resampler snapshot` needs {error.name}: pip install 'feast-resampler[{self.kind.extra}]'"
                ) from error

    def catalog(self, name: str) -> Catalog:
        """Find a snapshot's versions.

        Parameters
        ----------
        name : str
            Of the snapshot.

        Returns
        -------
        Catalog
            Its versions.
        """
        from feast_plugin.versions.files.catalog import Catalog

        return Catalog.open(name, self.root)


def with_place(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `place`, from an option of each kind of registry and `--root`.

    Parameters
    ----------
    command : callable
        Takes `place`.

    Returns
    -------
    callable
        Takes the options.
    """

    @functools.wraps(command)
    def _with_place(*args: Any, root: str | None, **options: Any) -> Any:
        place = Place.of(root, **{option: options.pop(option) for option in REGISTRIES})
        return command(*args, place=place, **options)

    help_ = "Where snapshots are kept: a path or a URI (s3://, gs://); by default `snapshots` in --repo, or --catalog."
    decorated = click.option("--root", help=help_)(_with_place)
    for option, kind in reversed(REGISTRIES.items()):
        decorated = click.option(f"--{option}", metavar="DIRECTORY", help=kind.help)(decorated)
    return decorated


name_option = click.option("--name", required=True, help="Name of the snapshot.")
version_option = click.option("--version", type=click.IntRange(min=1), help="By default the newest.")
secret_key_option = click.option(
    "--secret-key",
    metavar="ENV|FILE",
    help="Environment variable or file that holds the secret that the version was made with, if it was made with one.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")


def print_lines(lines: Iterable[str]) -> None:
    """Print lines for people.

    Parameters
    ----------
    lines : iterable of str
        In order.
    """
    for line in lines:
        click.echo(plain(line))  # names of classes and columns may be any text
