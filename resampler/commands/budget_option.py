"""What a command may spend, whose parts are kept in a store: `--max-seconds`, `--max-memory`, and how it says so."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from resampler.budget import Budget, Meter, StoppedError, in_words
from resampler.command_options import click_options
from resampler.errors import InvalidInputError
from resampler.options import DURATION, options_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIMIT = "max_seconds"


@dataclass(frozen=True, slots=True)
class Spending:
    """What a run may spend and has spent, and what it says of that.

    Parameters
    ----------
    meter : Meter
        Both.
    exits : bool
        Whether it exits with 4 where time was up: under its former name the limit did not.
    """

    meter: Meter
    exits: bool

    def details(self, *, late: bool, store: Path | str | None) -> dict[str, Any]:
        """Return what the ledger says.

        Parameters
        ----------
        late : bool
            Whether time was up before all parts were finished.
        store : Path, str or None
            Where those that are finished are kept.

        Returns
        -------
        dict
            Key cost and, where it was stopped, stopped and resume.
        """
        found: dict[str, Any] = {"cost": self.meter.cost().to_dict()}
        if self.is_stopped(late=late):
            found |= {"stopped": LIMIT, "resume": None if store is None else str(store)}
        return found

    def is_stopped(self, *, late: bool) -> bool:
        """Say whether a run that did not finish was stopped by its budget.

        Parameters
        ----------
        late : bool
            Whether it did not.

        Returns
        -------
        bool
            Whether the same command again goes on.
        """
        return late and self.exits

    def in_json(self, details: dict[str, Any]) -> dict[str, Any]:
        """Return what an answer in JSON says: without a budget the same answer is the same bytes.

        Parameters
        ----------
        details : dict
            From `details`.

        Returns
        -------
        dict
            These, or nothing.
        """
        return {} if self.meter.budget == Budget() else details

    def say(self, details: dict[str, Any]) -> int:
        """Say what was spent, and how to go on.

        Parameters
        ----------
        details : dict
            From `details`.

        Returns
        -------
        int
            The exit code: 0, or 4 where the run was stopped.
        """
        click.echo(f"Note: cost: {in_words(details['cost'])}", err=True)
        if "stopped" not in details:
            return 0
        where = "nowhere: it begins anew" if details["resume"] is None else details["resume"]
        click.echo(f"Note: stopped by --max-seconds; the same command again goes on from {where}", err=True)
        return StoppedError.exit_code


def with_budget(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `spending`, from the options of a budget.

    Parameters
    ----------
    command : callable
        Takes `spending`.

    Returns
    -------
    callable
        Takes the options.
    """

    @functools.wraps(command)
    def _with_budget(*args: Any, budget: str | None, **options: Any) -> Any:
        given = {one.name: options.pop(one.name) for one in options_of(Budget)}
        if budget is not None:
            if given["max_seconds"] is not None:
                raise InvalidInputError("give --max-seconds alone: --budget is its former name")
            given["max_seconds"] = DURATION.check("--budget", budget)
            click.echo("Note: --budget is called --max-seconds now, and goes with the next release", err=True)
        return command(*args, spending=Spending(Meter(Budget(**given)), exits=budget is None), **options)

    hidden = click.option("--budget", hidden=True)(_with_budget)  # until the next release
    return click_options(Budget)(hidden)
