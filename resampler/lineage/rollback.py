"""Put a snapshot's alias back, and the alias of the model that was trained on that version: both or neither."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

from resampler.errors import DataError, InvalidInputError, MissingExtraError, ResamplerError
from resampler.ledger import FOLDER, Ledger, Run, key_of, now

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from resampler.lineage.models import Model, Models
    from resampler.lineage.publication import Publication
    from resampler.storage import Location

GROUP = "resampler.aliases"  # entry points: functions of a name and a place that return a context of `Aliases`
PREVIOUS = "previous"
STEP = "alias"


class Aliases(Protocol):
    """What can move the aliases of a snapshot."""

    home: Location

    def target(self, alias: str, to: int | None) -> tuple[int | None, Publication]:
        """Find where an alias points, and the version that it would point to; None is where it pointed before."""

    def problems(self, version: int) -> tuple[str, ...]:
        """Check a version: one line for each thing that does not hold."""

    def move(self, alias: str, to: int | None) -> None:
        """Move it."""


@dataclass(slots=True)
class RolledBack:
    """What was done, or would be.

    Parameters
    ----------
    name, alias : str
        Of the snapshot, and of its alias.
    before, after : int or None
        Versions.
    digest : str
        Of the version that it points to afterwards.
    model, model_alias : str or None
        Of the model, if one was to be moved.
    model_before, model_after : str or None
        Versions of the model.
    dry_run : bool
        Whether nothing was done.
    """

    name: str
    alias: str
    before: int | None
    after: int
    digest: str
    model: str | None = None
    model_alias: str | None = None
    model_before: str | None = None
    model_after: str | None = None
    dry_run: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints.

        Returns
        -------
        dict
            The fields.
        """
        return asdict(self)

    def in_words(self) -> list[str]:
        """Say it to people.

        Returns
        -------
        list of str
            A line for each alias.
        """
        would = "would point" if self.dry_run else "points"
        was = "nowhere" if self.before is None else f"to version {self.before}"
        lines = [f"{self.name}: alias {self.alias} {would} to version {self.after}, before {was}"]
        if self.before == self.after:
            lines = [f"{self.name}: alias {self.alias} points to version {self.after} already"]
        if self.model is not None:
            was = "nowhere" if self.model_before is None else f"to version {self.model_before}"
            lines.append(f"{self.model}: alias {self.model_alias} {would} to version {self.model_after}, before {was}")
        return lines


def roll_back(
    name: str,
    alias: str,
    to: str = PREVIOUS,
    *,
    model: str | None = None,
    model_alias: str | None = None,
    dry_run: bool = False,
    models: Callable[[], Models] | None = None,
    **place: str | None,
) -> RolledBack:
    """Move a snapshot's alias to an earlier version and, if asked, a model's alias to the model of that version.

    Parameters
    ----------
    name, alias : str
        Of the snapshot, and of its alias.
    to : str
        Number of a version, or ``previous``: where the alias pointed before.
    model, model_alias : str, optional
        Of MLflow's registry; the alias is by default the snapshot's.
    dry_run : bool
        Check all of it, and do nothing.
    models : callable, optional
        Opens MLflow's registry.
    **place : str or None
        ``repo`` or ``catalog``, and ``root``.

    Returns
    -------
    RolledBack
        What was done.

    Raises
    ------
    InvalidInputError
        If an option is wrong.
    DataError
        If there is no such version or alias, the version does not verify, or no model was trained on it.
    ResamplerError
        If an alias could not be moved; the other is then where it was, or the message says where it is.

    Notes
    -----
    All that can be known is checked before anything moves. The model's alias, which needs a server, moves first; if the
    snapshot's alias then cannot be moved, the model's is put back.
    """
    if model_alias is not None and model is None:
        raise InvalidInputError("--model-alias needs the name of the model: give --model")
    number = _number(to)
    began = time.perf_counter()
    with _opened(name, place) as aliases:
        before, target = aliases.target(alias, number)
        done = RolledBack(name, alias, before, target.version, target.digest, dry_run=dry_run)
        if problems := aliases.problems(target.version):
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise DataError(
                f"{target} does not verify, and {alias} stays where it is: {problems[0]}{more}: rebuild it, or name "
                "another version"
            )
        registry, found = None, None
        if model is not None:
            if models is None:
                from resampler.lineage.models import Models

                models = Models
            registry = models()
            found = registry.trained_on(model, name, target.digest)
            done.model, done.model_alias, done.model_after = model, model_alias or alias, found.version
            current = registry.at(model, done.model_alias)
            done.model_before = None if current is None else current.version
        if not dry_run:
            _move(aliases, registry, done, number, found)
            _keep(aliases.home, done, time.perf_counter() - began)
    return done


def _move(aliases: Aliases, registry: Models | None, done: RolledBack, number: int | None, found: Model | None) -> None:
    moves_model = registry is not None and found is not None and done.model_before != done.model_after
    if moves_model and registry is not None and done.model and done.model_alias:
        registry.point(done.model, done.model_alias, done.model_after)
    if done.before == done.after:
        return
    try:
        aliases.move(done.alias, number)
    except BaseException as error:
        if not moves_model or registry is None or not done.model or not done.model_alias:
            raise
        try:
            registry.point(done.model, done.model_alias, done.model_before)
        except ResamplerError as other:
            where = f"from version {done.model_after} to {done.model_before or 'nowhere'}"
            raise ResamplerError(
                f"alias {done.alias} of {done.name} could not be moved ({error}), and alias {done.model_alias} of "
                f"model {done.model} could not be put back {where} ({other}): put it back by hand"
            ) from error
        if isinstance(error, ResamplerError):
            raise type(error)(f"{error}; alias {done.model_alias} of model {done.model} was put back") from error
        raise


def _keep(home: Location, done: RolledBack, seconds: float) -> None:
    ledger = Ledger(home / FOLDER)
    nth = len(ledger.outcomes(STEP))
    key = key_of(step=STEP, alias=done.alias, digest=done.digest, before=done.before, rollback=nth)
    details = {"alias": done.alias, "before": done.before, "version": done.after, "digest": done.digest}
    details |= {"why": "rollback", "model": done.model, "model_alias": done.model_alias}
    details |= {"model_before": done.model_before, "model_after": done.model_after}
    ledger.append(Run(STEP, "pass", key, f"{done.name} version {done.after}", now(), round(seconds, 3), details))


def _number(to: str) -> int | None:
    if to == PREVIOUS:
        return None
    text = to.removeprefix("v")
    if not text.isdecimal() or int(text) < 1:
        raise InvalidInputError(f"--to must be the number of a version, or previous, got {to!r}")
    return int(text)


def _opened(name: str, place: dict[str, str | None]) -> AbstractContextManager[Aliases]:
    for point in entry_points(group=GROUP):
        try:
            found: AbstractContextManager[Aliases] = point.load()(name, **place)
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"aliases of snapshots need {error.name}: pip install 'feast-resampler[snapshot]'"
            ) from error
        return found
    raise MissingExtraError("aliases of snapshots need pip install 'feast-resampler[snapshot]'")
