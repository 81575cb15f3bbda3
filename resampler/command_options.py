"""Command-line options that are made from a record of options (`resampler.options`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from resampler.options import options_of, renaming

if TYPE_CHECKING:
    from collections.abc import Callable

    from resampler.options import Option, Rule

_Command = TypeVar("_Command", bound="Callable[..., Any]")


def click_options(record: type) -> Callable[[_Command], _Command]:
    """Make the command-line options of a record.

    Parameters
    ----------
    record : type
        A dataclass whose fields `resampler.options.option` declares.

    Returns
    -------
    callable
        Decorates a command, which is given each option by the name of its field. Ranges are left to the record, which
        checks them when it is made of what the command is given: one rule, one message.
    """

    def _add(command: _Command) -> _Command:
        for one in reversed(options_of(record)):
            if one.flags:
                command = click.option(one.name, *one.flags, **_arguments(one))(command)
        return command

    return _add


def _arguments(one: Option) -> dict[str, Any]:
    if one.rule.kind is bool:
        return {"is_flag": True, "default": one.default, "help": one.summary}
    if one.rule.repeated:
        kind = _Word(one.rule) if one.rule.words else one.rule.kind
        return {"type": kind, "multiple": True, "help": one.summary, "metavar": one.rule.metavar}
    # A member of an enumeration of strings is shown as its word.
    default = None if one.default is None else one.rule.kind(one.default)
    kind = _Word(one.rule) if one.rule.words else one.rule.kind
    shown = {"show_default": default is not None, "help": one.summary, "metavar": one.rule.metavar}
    return {"type": kind, "default": default} | shown


class _Word(click.Choice):  # type: ignore[type-arg, unused-ignore] # generic from click 8.2 on
    """A choice of words that takes their former names too, and says so."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule.words)
        self._former = rule.former

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value in self._former:
            name = param.opts[0] if param else "option"
            click.echo(f"Note: {name}: {renaming(value, self._former[value])}", err=True)
            value = self._former[value]
        return super().convert(value, param, ctx)
