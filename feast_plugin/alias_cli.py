"""`resampler snapshot alias` and `rollback`: names that follow a version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from feast_plugin.command_line import Place, json_option, print_lines, with_place
from feast_plugin.printing.aliases import moves
from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from feast_plugin.versions.files.aliases import Alias


@click.command()
@click.argument("name")
@click.argument("alias", required=False)
@click.argument("version", type=click.IntRange(min=1), required=False)
@with_place
@click.option("--remove", is_flag=True, help="Let it point nowhere: its datasets leave the registry.")
@json_option
def alias(place: Place, name: str, alias: str | None, version: int | None, *, remove: bool, as_json: bool) -> None:
    """Let ALIAS of snapshot NAME point to VERSION, else the newest.

    NAME_ALIAS_train and its like are then that version's datasets, for every reader; prune leaves the version alone.
    Without ALIAS: show where each points, and who moved it there and when.
    """
    from feast_plugin.versions import pointing
    from feast_plugin.versions.files.aliases import read_aliases
    from resampler.storage import check_alias

    if alias is None:
        if remove:
            raise InvalidInputError("--remove needs the name of an alias")
        catalog = place.catalog(name)
        catalog.check_known()
        known = read_aliases(catalog.home)
        if as_json:
            click.echo(json.dumps({"name": name, "aliases": [one.to_dict() for one in known.values()]}))
        else:
            print_lines(moves(known.values()) if known else [f"{name} has no alias"])
        return

    check_alias(alias)
    if remove and version is not None:
        raise InvalidInputError(f"give a version or --remove, not both: got version {version}")
    catalog = place.catalog(name)
    catalog.check_known(version)
    with place.opened() as registry:
        if remove:
            found = pointing.withdraw(registry, catalog, alias)
        else:
            found = pointing.point(registry, catalog, alias, version)
    _say(name, found, as_json=as_json)


@click.command()
@click.argument("name")
@click.argument("alias")
@with_place
@json_option
def rollback(place: Place, name: str, alias: str, *, as_json: bool) -> None:
    """Let ALIAS of snapshot NAME point to where it did before. Once more goes further back."""
    from feast_plugin.versions import pointing
    from resampler.storage import check_alias

    check_alias(alias)
    catalog = place.catalog(name)
    catalog.check_known()
    with place.opened() as registry:
        found = pointing.roll_back(registry, catalog, alias)
    _say(name, found, as_json=as_json)


def _say(name: str, found: Alias, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"name": name} | found.to_dict()))
    elif found.version is None:
        click.echo(f"{name}: alias {found.name} points nowhere")
    else:
        before = found.history[-1].before
        was = "" if before is None else f", before to version {before}"
        click.echo(f"{name}: alias {found.name} points to version {found.version}{was}")
