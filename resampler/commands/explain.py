"""`resampler explain`: where the rows of a version, or of a model, came from."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("what", metavar="snapshot:NAME[:VERSION|ALIAS]|models:/NAME/ALIAS")
@click.option("--repo", metavar="DIRECTORY", help="Feast repository of the snapshot.")
@click.option("--catalog", metavar="DIRECTORY", help="Plain catalogue of the snapshot: a directory or a URI.")
@click.option(
    "--root",
    metavar="DIRECTORY",
    help="Where snapshots are kept, if not where those keep them; of a model by default where its run says.",
)
@click.option(
    "--uses", is_flag=True, help="Open the Feast repository, too, to see what else uses the version: seconds."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def explain(what: str, repo: str | None, catalog: str | None, root: str | None, uses: bool, as_json: bool) -> None:
    """Say where the rows of a version came from, or those of a model that MLflow knows.

    Seed, ratio, method, parents, counts, findings, gate, drift, privacy, what watches it and what uses it.
    """
    from resampler.lineage.explain import explain as ask
    from resampler.lineage.explain import in_words

    found = ask(what, uses=uses, repo=repo, catalog=catalog, root=root)
    lines = [json.dumps(found.to_dict(), allow_nan=False)] if as_json else list(in_words(found))
    click.echo("\n".join(lines))
