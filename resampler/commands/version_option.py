"""Options of commands that work on a published version."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from resampler.errors import InvalidInputError
from resampler.training_set import open_version

if TYPE_CHECKING:
    from collections.abc import Callable

_PLACE = {
    "repo": "Feast repository of the snapshot.",
    "catalog": "Plain catalogue of the snapshot: a directory or a URI.",
    "root": "Where snapshots are kept, if not where --repo or --catalog keeps them.",
}


def with_place(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `place`: where versions are kept, as `open_version` and `homes` take it.

    Parameters
    ----------
    command : callable
        Takes `place`, of which each value may be None.

    Returns
    -------
    callable
        Takes the options.
    """

    @functools.wraps(command)
    def _with_place(*args: Any, **options: Any) -> Any:
        place = {name: options.pop(name) for name in _PLACE}
        return command(*args, place=place, **options)

    decorated: Callable[..., Any] = _with_place
    for name, words in reversed(_PLACE.items()):
        decorated = click.option(f"--{name}", metavar="DIRECTORY", help=words)(decorated)
    return decorated


def with_version(*, required: bool = False, place: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command `version`: a `TrainingSet`, or None where no option names one.

    Parameters
    ----------
    required : bool
        Whether --snapshot must be given.
    place : bool
        Whether the command takes `place` too: where other versions are, as `open_version` takes it.

    Returns
    -------
    callable
        Decorates a command that takes `version`.
    """

    def _decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def _with_version(*args: Any, reference: str | None, **options: Any) -> Any:
            given_place = {name: options.pop(name) for name in _PLACE}
            given = [name for name, value in given_place.items() if value is not None]
            if reference is None and given:
                raise InvalidInputError(f"--{given[0]} says where a snapshot is kept: name it, --snapshot NAME")
            version = None if reference is None else open_version(reference, **given_place)
            if place:
                options["place"] = given_place
            return command(*args, version=version, **options)

        decorated: Callable[..., Any] = _with_version
        for name, words in reversed(_PLACE.items()):
            decorated = click.option(f"--{name}", metavar="DIRECTORY", help=words)(decorated)
        return click.option(
            "--snapshot",
            "reference",
            metavar="NAME[:VERSION|ALIAS]",
            required=required,
            help="A published version; without a number or an alias the newest.",
        )(decorated)

    return _decorate
