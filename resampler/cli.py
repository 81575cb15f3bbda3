"""The `resampler` command; what it can do is found by entry point."""

from __future__ import annotations

import contextlib
import sys
import tomllib
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from resampler.collector import without_collector
from resampler.ending import ending_quickly
from resampler.errors import InvalidInputError, MissingExtraError, ResamplerError
from resampler.printing import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = "resampler.commands"
_MOST_CHARS = 4000  # of an error
_WHOLE = 1000  # characters of help: a sentence that is cut says nothing, a long one is wrapped
_HELP = f"{__name__}.help"
EXTRA_OF_WING = {"stream": "stream", "feast_plugin": "feast"}


class EntryPointGroup(click.Group):
    """A group whose subcommands are entry points, each imported only when it is called."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note whether help is asked for, of this command or one below.

        Parameters
        ----------
        ctx : click.Context
            Remembers it.
        args : list of str
            All words behind the command's name.

        Returns
        -------
        list of str
            Those that are left for subcommands.
        """
        ctx.meta[_HELP] = not set(ctx.help_option_names).isdisjoint(args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name the installed subcommands.

        Parameters
        ----------
        ctx : click.Context
            Not used.

        Returns
        -------
        list of str
            In alphabetical order.
        """
        return sorted(point.name for point in entry_points(group=GROUP))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one subcommand.

        Parameters
        ----------
        ctx : click.Context
            Its options from a configuration file are named after the subcommand's parameters.
        cmd_name : str
            Its name.

        Returns
        -------
        click.Command or None
            None if there is no such subcommand.

        Raises
        ------
        MissingExtraError
            If what it needs is not installed.
        """
        for point in entry_points(group=GROUP, name=cmd_name):
            command = _load(point)
            if ctx.default_map and cmd_name in ctx.default_map:
                table = ctx.default_map[cmd_name]
                with _help_first(ctx):
                    ctx.default_map = {cmd_name: _by_parameter(ctx, command, table, cmd_name)}
            return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands, those whose extra is missing included.

        Parameters
        ----------
        ctx : click.Context
            Passed on.
        formatter : click.HelpFormatter
            Where the list goes.
        """
        rows = []
        for name in self.list_commands(ctx):
            try:
                command = self.get_command(ctx, name)
                rows.append((name, command.get_short_help_str(limit=_WHOLE) if command else ""))
            except MissingExtraError as error:
                rows.append((name, str(error)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _load(point: EntryPoint) -> click.Command:
    try:
        with without_collector():
            command: click.Command = point.load()
    except ModuleNotFoundError as error:
        extra = EXTRA_OF_WING.get(point.module.split(".")[0], "all")
        raise MissingExtraError(
            f"`resampler {point.name}` needs {error.name}: pip install 'feast-resampler[{extra}]'"
        ) from error
    return command


@contextlib.contextmanager
def _help_first(ctx: click.Context) -> Iterator[None]:
    """Let no fault of the configuration file stand before the help that says what belongs in it."""
    try:
        yield
    except InvalidInputError as error:
        if not ctx.meta[_HELP]:
            raise
        ctx.default_map = None
        click.echo(f"Note: {error}", err=True)


def _read_config(ctx: click.Context, _param: click.Parameter, path: Path | None) -> Path | None:
    file = path or Path("resampler.toml")
    if path is None and not file.is_file():
        return None
    with _help_first(ctx):
        ctx.default_map = _checked_config(ctx, file)
    return file


def _checked_config(ctx: click.Context, file: Path) -> dict[str, Any]:
    try:
        options: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInputError(f"--config {str(file)!r} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # neither UTF-8 nor TOML
        raise InvalidInputError(f"--config {str(file)!r} is not TOML: {error}") from error
    known = ctx.command.list_commands(ctx) if isinstance(ctx.command, click.Group) else []
    for name in options:
        if name not in known:
            raise InvalidInputError(f"[{name}] in the configuration file is no command: have {', '.join(known)}")
    return options


def _by_parameter(ctx: click.Context, command: click.Command, table: object, path: str) -> dict[str, Any]:
    """Name the values of a table of options after the command's parameters, as click looks them up."""
    if not isinstance(table, dict):
        raise InvalidInputError(f"[{path}] in the configuration file must be a table, got {table!r}")
    if isinstance(command, click.Group):
        found: dict[str, Any] = {}
        for name, inner in table.items():
            subcommand = command.get_command(ctx, name)
            if subcommand is None:
                known = ", ".join(command.list_commands(ctx))
                raise InvalidInputError(f"[{path}.{name}] in the configuration file is no command: have {known}")
            found[name] = _by_parameter(ctx, subcommand, inner, f"{path}.{name}")
        return found
    parameters = {option.lstrip("-"): param for param in command.params for option in param.opts}
    unknown = sorted(set(table) - set(parameters))
    if unknown:
        shown = sorted(name for name, param in parameters.items() if not getattr(param, "hidden", False))
        raise InvalidInputError(
            f"[{path}] in the configuration file has no option {unknown[0]!r}: have {', '.join(shown)}"
        )
    for name, value in table.items():
        repeated = isinstance(value, list) and getattr(parameters[name], "multiple", False)
        if any(isinstance(one, list | dict) for one in (value if repeated else [value])):
            what = "one value"
            if getattr(parameters[name], "multiple", False):
                what = f"a list of {parameters[name].metavar or 'values'}"
            raise InvalidInputError(f"[{path}] {name} in the configuration file must be {what}, got {value!r}")
    return {parameters[name].name or "": value for name, value in table.items()}


@click.command(cls=EntryPointGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_read_config,
    is_eager=True,
    expose_value=False,
    help="TOML file of options, a table a subcommand ([stream.run]); by default resampler.toml where there is one.",
)
@click.version_option(package_name="feast-resampler")
def resampler() -> None:
    """Rebalance rare classes on a stream or in a feature store."""


def run(command: click.Command, prog_name: str | None = None) -> None:
    """Run a command and leave with its exit code: 0 done, 1 failed, 2 wrong usage, 3 a gate said no, 4 stopped.

    What a user can cause is reported in one line, never as a traceback.

    Parameters
    ----------
    command : click.Command
        Called with the process's own arguments.
    prog_name : str, optional
        What its help calls it; by default what the process was started as.
    """
    try:
        # click returns the code of a command that asked to exit with one
        result = command(prog_name=prog_name, standalone_mode=False)
    except click.exceptions.Exit as request:
        sys.exit(request.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Aborted.", err=True)
        sys.exit(1)
    except ResamplerError as error:
        click.echo(f"Error: {_shown(error)}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:  # no disk, no permission: the file and the reason are in the message
        click.echo(f"Error: {_shown(error)}", err=True)
        sys.exit(1)
    except MemoryError as error:
        click.echo(f"Error: not enough memory: {error}: ask for less, or use a larger machine", err=True)
        sys.exit(1)
    if isinstance(result, int):
        sys.exit(result)


def _shown(error: Exception) -> str:
    """Write an error so that a value of a file neither floods nor commands a terminal; its two ends say what it is."""
    text = "\n".join(map(plain, str(error).split("\n")))
    return text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS // 2]} ... {text[-_MOST_CHARS // 2 :]}"


def main() -> None:
    """Run the `resampler` command."""
    with ending_quickly():
        run(resampler)
