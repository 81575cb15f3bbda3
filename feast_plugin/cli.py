"""`resampler snapshot ...`: the command line around versions. A registry is imported when a command needs it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shlex
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from feast_plugin.alias_cli import alias, rollback
from feast_plugin.command_line import (
    Place,
    json_option,
    name_option,
    print_lines,
    secret_key_option,
    version_option,
    with_place,
)
from feast_plugin.printing.created import checked, created
from feast_plugin.printing.difference import difference
from feast_plugin.printing.versions import listed, shown, summary
from feast_plugin.versions.files.aliases import names_of, read_aliases
from feast_plugin.versions.inputs.budget import SnapshotBudget
from feast_plugin.versions.inputs.request import Request
from feast_plugin.versions.making.audited import AuditSample
from feast_plugin.versions.making.gate import Gate
from feast_plugin.versions.making.recipe import Recipe
from resampler.budget import StoppedError
from resampler.command_options import click_options
from resampler.engines.settings import EngineSettings
from resampler.errors import CorruptStateError, GateError, InvalidInputError
from resampler.options import options_of
from resampler.secret import SecretKey

if TYPE_CHECKING:
    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.files.manifest import Manifest


def _record(kind: type, options: dict[str, Any]) -> Any:
    """Make a record of options of those that are its own."""
    return kind(**{one.name: options[one.name] for one in options_of(kind)})


def _said(catalog: Catalog, manifest: Manifest) -> dict[str, str]:
    """Return who points to a version and what runs said of it; what cannot be read hides nothing else of it."""
    from resampler.runs.latest import latest

    try:
        pointing = names_of(read_aliases(catalog.home), manifest.version)
        found = {"aliases": ", ".join(pointing)} if pointing else {}
    except CorruptStateError as error:
        found = {"aliases": f"not known: {error}"}
    try:
        return found | latest(catalog.home, manifest.digest)
    except CorruptStateError as error:
        return found | {"runs": f"not known: {error}"}


def _worth(place: Place, catalog: Catalog, manifest: Manifest) -> str:
    """Return what was advised on a version, or how to ask; nothing where no row was made, or rows were left out."""
    if not any(entry.synthetic for entry in manifest.splits.values()) or "release" in manifest.parameters:
        return ""
    ask = ["resampler", "advise", "--snapshot", f"{manifest.name}:{manifest.version}", "--root", str(place.root)]
    return _said(catalog, manifest).get("advice", f"not measured yet: {shlex.join(ask)}")


def _exposed(place: Place, catalog: Catalog, manifest: Manifest) -> str:
    """Return what an audit of privacy said of a version, or of one before it, or how to ask."""
    if not any(entry.synthetic for entry in manifest.splits.values()):
        return ""
    from resampler.runs.privacy.kept import NOT_YET, last

    if "release" in manifest.parameters:
        from feast_plugin.opened import open_version
        from resampler.runs.privacy.release import command

        opened = open_version(manifest.name, str(manifest.version), repo=None, catalog=None, root=str(place.root))
        return f"not audited yet; name real rows that you keep: {command(opened)}" if opened.files else ""
    ask = ["resampler", "audit", "privacy", "--snapshot", f"{manifest.name}:{manifest.version}"]
    ask += ["--root", str(place.root)]
    try:
        said = last(catalog.home, manifest.digest)
    except CorruptStateError as error:
        said = f"not known: {error}"
    return f"{said}: {shlex.join(ask)}" if said.startswith(NOT_YET) else said


@click.group()
def snapshot() -> None:
    """Make versioned, augmented training sets, from a Feast repository or from a table."""


@snapshot.command()
@with_place
@name_option
@click_options(Request)
@click_options(Recipe)
@click_options(Gate)
@click_options(AuditSample)
@click_options(SnapshotBudget)
@click_options(EngineSettings)
@click.option("--k", "k", type=click.IntRange(min=1), hidden=True)  # until the next release
@click.option(
    "--namespace", help="What Feast groups the datasets by, beside the snapshot's name; by default resampler."
)
@json_option
def create(
    place: Place, name: str, k: int | None, namespace: str | None, *, as_json: bool, **options: Any
) -> int | None:
    """Find the rows, split, augment the training split, publish.

    With --repo, features are retrieved from a Feast repository; with --catalog, --entity-df is a table that has them.
    With --max-seconds or --resume, what is finished is kept; exit 4 says that time was up: run it again.
    """
    if k is not None:
        if click.get_current_context().get_parameter_source("k_neighbors") is not ParameterSource.DEFAULT:
            raise InvalidInputError("give --k-neighbors alone: --k is its former name")
        click.echo("Note: --k is called --k-neighbors now, and goes with the next release", err=True)
        options["k_neighbors"] = k
    records = (Recipe, Request, Gate, AuditSample, SnapshotBudget, EngineSettings)
    recipe, request, gate, audited, budget, settings = (_record(kind, options) for kind in records)
    catalog = place.catalog(name)
    if place.kind is not None:
        place.kind.check_request(request)
    try:
        with place.opened() as registry:
            from feast_plugin.versions import create as made_by

            made = made_by.create(registry, catalog, request, recipe, gate, namespace, audited, budget, settings)
    except StoppedError as error:
        if not as_json:
            raise
        click.echo(f"Note: {error}", err=True)
        click.echo(json.dumps(error.to_dict()))
        return StoppedError.exit_code
    if as_json:
        click.echo(json.dumps(made.to_dict()))
    else:
        print_lines(created(made, _worth(place, catalog, made.manifest), _exposed(place, catalog, made.manifest)))
    return None


@snapshot.command()
@with_place
@name_option
@click_options(Request)
@click_options(Recipe)
@click_options(Gate)
@json_option
def check(place: Place, name: str, *, as_json: bool, **options: Any) -> None:
    """Say what the checks find in rows and in what create would make.

    Takes the options of create, publishes nothing, and exits 3 where create would.
    """
    recipe, request, gate = (_record(kind, options) for kind in (Recipe, Request, Gate))
    catalog = place.catalog(name)
    if place.kind is not None:
        place.kind.check_request(request)
    with place.opened() as registry:
        from feast_plugin.versions import create as made_by

        found = made_by.check(registry, catalog, request, recipe, gate)
    stopping = gate.stopping(found)
    if as_json:
        click.echo(json.dumps({"name": name, "findings": [one.to_dict() for one in found], "stopping": stopping}))
    else:
        print_lines(checked(found))
    if stopping:
        raise GateError(f"{name} would not be published: {', '.join(stopping)}: do what they say, or allow them")


@snapshot.command(name="list")
@with_place
@click.option("--name", help="Only this snapshot.")
@json_option
def list_(place: Place, name: str | None, *, as_json: bool) -> None:
    """List snapshots and their versions."""
    from feast_plugin.versions.files.aliases import aliases_of
    from feast_plugin.versions.files.catalog import Damaged, survey
    from resampler.storage import Location

    versions = list(survey(place.root, name))
    damaged = [version for version in versions if isinstance(version, Damaged)]
    manifests = [version for version in versions if not isinstance(version, Damaged)]
    aliases, problems = aliases_of(Location.parse(place.root), (manifest.name for manifest in manifests))
    if as_json:
        known = [None if one.name in problems else aliases.get((one.name, one.version), []) for one in manifests]
        found = [summary(one) | {"aliases": names} for one, names in zip(manifests, known, strict=True)]
        click.echo(json.dumps({"snapshots": found, "damaged": [dataclasses.asdict(one) for one in damaged]}))
    else:
        print_lines(
            [
                *listed(manifests, aliases),
                *(f"{one.name}  version {one.version}  damaged: {one.problem}" for one in damaged),
            ]
        )
        if not versions:
            click.echo(f"there is no snapshot in {place.root}", err=True)
    said = list(problems.values())
    if damaged:
        names = ", ".join(f"{one.name} version {one.version}" for one in damaged)
        said.insert(0, f"{names}: the manifest cannot be read: restore it from a copy, or prune the version")
    if said:
        raise CorruptStateError("; ".join(said))


@snapshot.command()
@with_place
@name_option
@version_option
@json_option
def show(place: Place, name: str, version: int | None, *, as_json: bool) -> None:
    """Show what a version is; with --json its manifest."""
    catalog = place.catalog(name)
    manifest = catalog.load(version)
    if as_json:
        click.echo(json.dumps(json.loads(manifest.to_json())))
    else:
        print_lines(shown(manifest, catalog.directory(manifest.version).uri, _said(catalog, manifest)))


@snapshot.command()
@with_place
@name_option
@version_option
@json_option
def verify(place: Place, name: str, version: int | None, *, as_json: bool) -> None:
    """Check a version.

    Files are compared with the manifest, the manifest with the registry; lineage and splits are checked.
    """
    catalog = place.catalog(name)
    catalog.check_known(version)
    with place.opened() as registry:
        from feast_plugin.versions import verify as checked_by

        found = checked_by.verify(registry, catalog, version)
    if as_json:
        click.echo(json.dumps(found.to_dict()))
    else:
        for problem in found.problems:
            click.echo(problem, err=True)
    if not found.ok:
        raise CorruptStateError(
            f"{name} version {found.version} failed {len(found.problems)} of {found.checks} checks: restore what was "
            "changed, or rebuild or prune the version"
        )
    if not as_json:
        click.echo(f"{name} version {found.version}: all {found.checks} checks hold")


@snapshot.command()
@with_place
@name_option
@version_option
@click.option(
    "--output", type=click.Path(dir_okay=False), help="Where to; by default NAME-v0001.html in this directory."
)
@secret_key_option
@json_option
def report(
    place: Place, name: str, version: int | None, output: str | None, secret_key: str | None, *, as_json: bool
) -> None:
    """Draw a version's page again, from its files alone.

    A version of an earlier release gets the page that this one draws. Where `resampler advise` or `resampler audit
    privacy` was run on the version, what it said last stands on it too.
    """
    from feast_plugin.versions.files.names import version_name
    from feast_plugin.versions.page.advice import with_advice
    from feast_plugin.versions.page.privacy import with_audit
    from feast_plugin.versions.report import report_snapshot, write_file
    from resampler.runs.advice import STEP
    from resampler.runs.latest import newest
    from resampler.runs.privacy.kept import STEP as PRIVACY

    catalog = place.catalog(name)
    manifest = catalog.load(version)
    key = SecretKey.of(secret_key)
    page = report_snapshot(name=name, root=place.root, version=manifest.version, secret_key=key)
    same = manifest.report is not None and hashlib.sha256(page).hexdigest() == manifest.report.sha256
    advice = newest(catalog.home, manifest.digest, STEP)
    if advice is not None:
        page = with_advice(page, advice)
    audit = newest(catalog.home, manifest.digest, PRIVACY)
    if audit is not None:
        page = with_audit(page, audit)
    target = write_file(page, output or f"{name}-{version_name(manifest.version)}.html")
    if as_json:
        said = {
            "name": name,
            "version": manifest.version,
            "page": str(target),
            "as_stored": same and advice is audit is None,
        }
        at = {"advice": None if advice is None else advice.at, "audit": None if audit is None else audit.at}
        click.echo(json.dumps(said | at))
    else:
        added = "" if advice is None else f", and the advice of {advice.at[:10]}"
        added += "" if audit is None else f", and the audit of privacy of {audit.at[:10]}"
        click.echo(f"{target}: {'as the version stores it' if same else 'as this release draws it'}{added}")


@snapshot.command()
@click.argument("first", type=click.IntRange(min=1))
@click.argument("second", type=click.IntRange(min=1))
@with_place
@name_option
@json_option
def diff(first: int, second: int, place: Place, name: str, *, as_json: bool) -> None:
    """Compare two versions.

    Shows parameters, contract, rows that came, went and changed, nulls and drift a feature, and what became of the
    synthetic rows.
    """
    from feast_plugin.versions.diff import diff_snapshot

    found = diff_snapshot(first, second, name=name, root=place.root)
    if as_json:
        click.echo(json.dumps(found))
    else:
        print_lines(difference(found))


@snapshot.command()
@with_place
@name_option
@version_option
@click.option(
    "--entity-df",
    help="Entity frame, where the real rows must be retrieved again and the manifest's file is gone.",
)
@secret_key_option
@json_option
def rebuild(
    place: Place, name: str, version: int | None, entity_df: str | None, secret_key: str | None, *, as_json: bool
) -> None:
    """Make a version's files again.

    Those that are missing or changed are put back.
    """
    from feast_plugin.versions.inputs.request import frame_file, is_select

    catalog = place.catalog(name)
    catalog.check_known(version)
    if entity_df is not None and not is_select(entity_df):
        frame_file(entity_df)
    key = SecretKey.of(secret_key)
    with place.opened() as registry:
        from feast_plugin.versions import rebuild as made_by

        made = made_by.rebuild(registry, catalog, version, entity_df, key)
    if as_json:
        click.echo(json.dumps(made.to_dict()))
        return
    click.echo(f"{name} version {made.version}: every byte came out again from the {made.source}'s rows")
    for path in made.restored:
        click.echo(f"  restored {path}")


@snapshot.command()
@with_place
@name_option
@click.option("--version", type=click.IntRange(min=1), help="The version to remove.")
@click.option("--keep", type=click.IntRange(min=1), help="Instead: remove all but that many of the newest.")
@click.option("--unfinished", is_flag=True, help="Instead: remove unfinished runs, and the rows that they keep.")
@json_option
def prune(place: Place, name: str, version: int | None, keep: int | None, *, unfinished: bool, as_json: bool) -> None:
    """Remove versions that nothing uses, or unfinished runs.

    Their files and registry entries go.
    """
    if (version is not None) + (keep is not None) + unfinished != 1:
        raise InvalidInputError(
            "prune needs either --version or --keep, how many of the newest to keep, or --unfinished"
        )
    catalog = place.catalog(name)
    if unfinished:
        from feast_plugin.versions.prune import prune_unfinished

        tokens = prune_unfinished(catalog)
        if as_json:
            click.echo(json.dumps({"name": name, "unfinished": tokens}))
        else:
            click.echo(f"{name}: removed {', '.join(f'unfinished run {one}' for one in tokens) or 'nothing'}")
        return
    catalog.check_known(version)
    with place.opened() as registry:
        from feast_plugin.versions import prune as removed_by

        gone = removed_by.prune(registry, catalog, version=version, keep=keep)
    if as_json:
        click.echo(json.dumps({"name": name, "removed": gone}))
    else:
        click.echo(f"{name}: removed {', '.join(f'version {number}' for number in gone) or 'nothing'}")


@snapshot.command()
@with_place
@name_option
@click.option("--entity", required=True, help="Value of a join key, or key=value.")
@click.option(
    "--secret-key",
    metavar="ENV|FILE",
    multiple=True,
    help="Environment variable or file that holds the secret that versions were made with; may be given several times.",
)
@json_option
def forget(place: Place, name: str, entity: str, secret_key: tuple[str, ...], *, as_json: bool) -> None:
    """Take an entity out of every version that holds it.

    Each of these is replaced by one without the entity, and without rows that descend from it. Later versions of this
    name leave the entity out.
    """
    from feast_plugin.versions.inputs.tombstones import Tombstones

    catalog, keys = place.catalog(name), [SecretKey.read(one) for one in secret_key]
    if not Tombstones.read(catalog.home).keys_of(entity):
        catalog.check_known()
    with place.opened() as registry:
        from feast_plugin.versions import forget as removed_by

        done = removed_by.forget(registry, catalog, entity, keys)
    if as_json:
        click.echo(json.dumps({"name": name, "entity": entity, "versions": [one.to_dict() for one in done]}))
        return
    for one in done:
        instead = f"replaced by version {one.replaced_by}" if one.replaced_by else f"not replaced: {one.reason}"
        click.echo(f"{name} version {one.version}: {one.rows} rows of {entity} are gone; {instead}")
    if not done:
        click.echo(f"{name}: no version holds {entity}, which was forgotten before: create leaves it out")
    else:
        click.echo(f"{name}: every later create leaves {entity} out")


snapshot.add_command(alias)
snapshot.add_command(rollback)
