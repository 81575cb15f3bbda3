"""`resampler rollback`: a snapshot's alias, and the alias of a model, back to an earlier version."""

from __future__ import annotations

import json

import click

from resampler.errors import InvalidInputError


@click.command()
@click.argument("what", metavar="snapshot:NAME:ALIAS")
@click.option("--to", default="previous", show_default=True, help="A version, or previous: where it pointed before.")
@click.option("--model", metavar="NAME", help="Registered model of MLflow whose alias goes along.")
@click.option("--model-alias", metavar="ALIAS", help="The model's alias; by default it is called as the snapshot's.")
@click.option("--dry-run", is_flag=True, help="Check all of it, say what would be moved, and move nothing.")
@click.option("--repo", metavar="DIRECTORY", help="Feast repository of the snapshot.")
@click.option("--catalog", metavar="DIRECTORY", help="Plain catalogue of the snapshot: a directory or a URI.")
@click.option("--root", metavar="DIRECTORY", help="Where snapshots are kept, if not where those keep them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def rollback(
    what: str,
    to: str,
    model: str | None,
    model_alias: str | None,
    dry_run: bool,
    repo: str | None,
    catalog: str | None,
    root: str | None,
    as_json: bool,
) -> None:
    """Let an alias of a snapshot point to an earlier version and, if asked, a model's alias to the model of that one.

    The version is verified first. Both aliases move, or neither: the model's moves first, and is put back where the
    snapshot's cannot be moved.
    """
    from resampler.lineage.rollback import roll_back

    kind, _, reference = what.partition(":")
    name, _, alias = reference.partition(":")
    if kind != "snapshot" or not name or not alias:
        raise InvalidInputError(f"name what goes back as snapshot:NAME:ALIAS, got {what!r}")
    done = roll_back(
        name, alias, to, model=model, model_alias=model_alias, dry_run=dry_run, repo=repo, catalog=catalog, root=root
    )
    click.echo(json.dumps(done.to_dict()) if as_json else "\n".join(done.in_words()))
