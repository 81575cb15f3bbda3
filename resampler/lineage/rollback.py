"""Put a snapshot's alias back, and the alias of the model that was trained on that version: both or neither."""

from __future__ import annotations

import contextlib
import time
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

from resampler.errors import DataError, InvalidInputError, MissingExtraError, ResamplerError
from resampler.ledger import FOLDER, Ledger, Run, key_of, now

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from resampler.lineage.models import Models
    from resampler.lineage.publication import Publication
    from resampler.storage import Location

GROUP = "resampler.aliases"  # entry points: functions of a name and a place that return a context of `Aliases`
PREVIOUS = "previous"
STEP = "alias"


class Aliases(Protocol):
    """What can move the aliases of a snapshot."""

    @property
    def home(self) -> Location:
        """Directory of the snapshot."""

    def target(self, alias: str, to: int | None) -> tuple[int | None, Publication]:
        """Find where an alias points, and the version that it would point to.

        Parameters
        ----------
        alias : str
            Its name.
        to : int or None
            A version; None: where it pointed before.

        Returns
        -------
        (int or None, Publication)
            Both.
        """

    def pointed(self, alias: str) -> int | None:
        """Say where an alias points.

        Parameters
        ----------
        alias : str
            Its name.

        Returns
        -------
        int or None
            A version; None: nowhere.
        """

    def problems(self, version: int) -> tuple[str, ...]:
        """Check a version.

        Parameters
        ----------
        version : int
            Its number.

        Returns
        -------
        tuple of str
            One line for each thing that does not hold.
        """

    def move(self, alias: str, to: int | None) -> None:
        """Move an alias.

        Parameters
        ----------
        alias : str
            Its name.
        to : int or None
            As in `target`.
        """


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
        registry = None
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
            try:
                _move(aliases, registry, done, number)
            except BaseException:
                with contextlib.suppress(ResamplerError):  # the first error is the one to be told
                    _keep(aliases.home, done, "failed", time.perf_counter() - began)
                raise
            _keep(aliases.home, done, "pass", time.perf_counter() - began)
    return done


def _move(aliases: Aliases, registry: Models | None, done: RolledBack, number: int | None) -> None:
    model, alias = done.model or "", done.model_alias or ""
    moves_model = registry is not None and done.model_before != done.model_after
    if moves_model and registry is not None:
        registry.point(model, alias, done.model_after)
    if done.before == done.after:
        return
    try:
        aliases.move(done.alias, number)
    except BaseException as error:
        if aliases.pointed(done.alias) == done.after:  # what is written first is so; only the registry lags behind
            raise ResamplerError(
                f"alias {done.alias} of {done.name} points to version {done.after}, but its registry does not follow "
                f"({error}): mend that, and run the same again"
            ) from error
        if not moves_model or registry is None:
            raise
        try:
            registry.point(model, alias, done.model_before)
        except ResamplerError as other:
            where = f"from version {done.model_after} to {done.model_before or 'nowhere'}"
            raise ResamplerError(
                f"alias {done.alias} of {done.name} could not be moved ({error}), and alias {alias} of model {model} "
                f"could not be put back {where} ({other}): put it back by hand"
            ) from error
        if isinstance(error, ResamplerError | OSError):
            raise ResamplerError(
                f"alias {done.alias} of {done.name} could not be moved ({error}); alias {alias} of model {model} was "
                "put back: nothing has changed"
            ) from error
        raise


def _keep(home: Location, done: RolledBack, outcome: str, seconds: float) -> None:
    ledger = Ledger(home / FOLDER)
    nth = len(ledger.outcomes(STEP))
    key = key_of(step=STEP, alias=done.alias, digest=done.digest, before=done.before, rollback=nth)
    details = {"alias": done.alias, "before": done.before, "version": done.after, "digest": done.digest}
    details |= {"why": "rollback", "model": done.model, "model_alias": done.model_alias}
    details |= {"model_before": done.model_before, "model_after": done.model_after}
    ledger.append(Run(STEP, outcome, key, f"{done.name} version {done.after}", now(), round(seconds, 3), details))


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
