"""`resampler snapshot ...`: the command line around versions. Feast is imported when a command needs it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from feast_plugin.notices import SnapshotWarning
from resampler.errors import CorruptStateError, InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from feast import FeatureStore

_name = click.option("--name", required=True, help="Name of the snapshot.")
_root = click.option(
    "--root", help="Where snapshots are kept: a path or a URI (s3://, gs://); by default `snapshots` in --repo."
)
_version = click.option("--version", type=click.IntRange(min=1), help="By default the newest.")
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")


def _repo(*, required: bool) -> Callable[[Any], Any]:
    return click.option(
        "--repo",
        type=click.Path(path_type=Path, file_okay=False),
        required=required,
        help="Feast repository: the directory of feature_store.yaml.",
    )


@click.group()
def snapshot() -> None:
    """Versioned, augmented training sets that any Feast client can read."""


@snapshot.command()
@_repo(required=True)
@_name
@click.option("--feature-service", help="Feature service to retrieve.")
@click.option("--features", help="Instead of a service: view:feature,view:feature,...")
@click.option(
    "--entity-df",
    help="Parquet, CSV or .sql file, or a SELECT: join keys, event_timestamp and, usually, the label.",
)
@click.option("--start-date", help="Instead of an entity frame: the label's view from this instant (ISO 8601) on ...")
@click.option("--end-date", help="... up to this one.")
@click.option("--label", required=True, help="Column of the entity frame, a feature, or view:feature.")
@click.option("--ratio", type=float, default=0.2, show_default=True, help="Minority : majority in training.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--split",
    default="time:0.7,0.15,0.15",
    show_default=True,
    help="time:A,B,C | group:COLUMN:A,B,C | stratified:A,B,C | column:COLUMN",
)
@click.option("--sampler", help="smote, smotenc, borderline or adasyn; by default the first two, as types ask.")
@click.option("--clean", help="tomek or enn: take out of training what stands where the classes meet.")
@click.option("--group-by", help="Join key or feature: join only rows that agree in it.")
@click.option("--undersample", type=float, help="First drop training rows of larger classes down to this ratio.")
@click.option("--k-neighbors", type=click.IntRange(min=1), default=5, show_default=True, help="Neighbours.")
@click.option("--k", "k", type=click.IntRange(min=1), hidden=True)  # until the next release
@click.option(
    "--retain",
    type=click.Choice(["full", "sample", "recipe"]),
    default="full",
    show_default=True,
    help="Synthetic rows to store: all, the first 1,000, or none; `rebuild` makes the same bytes again.",
)
@click.option(
    "--full-feature-names",
    is_flag=True,
    help="Name columns view__feature, ours resampler__is_synthetic and, of a frame's label, resampler__LABEL.",
)
@_root
@_json
def create(repo: Path, features: str | None, k: int | None, *, as_json: bool, **options: Any) -> None:
    """Retrieve, split, augment the training split, publish."""
    options["features"] = [word.strip() for word in features.split(",")] if features else None
    if k is not None:
        if click.get_current_context().get_parameter_source("k_neighbors") is not ParameterSource.DEFAULT:
            raise InvalidInputError("give --k-neighbors alone: --k is its former name")
        click.echo("Note: --k is called --k-neighbors now, and goes with the next release", err=True)
        options["k_neighbors"] = k
    _check_options(repo, options)
    with _feast():
        from feast_plugin.snapshot import create_snapshot

        made = create_snapshot(_open(repo), **options)
    found = made.to_dict()
    if as_json:
        click.echo(json.dumps(found))
        return
    verb = "reused" if made.reused else "created"
    click.echo(f"{verb} {made.name} version {made.version} in {made.uri}")
    for split, counts in found["counts"].items():
        click.echo(f"  {made.datasets[split]}: {counts['rows']:,} rows, {counts['synthetic']:,} of them synthetic")
    click.echo(f"  digest {made.digest}")


@snapshot.command(name="list")
@_repo(required=False)
@_root
@click.option("--name", help="Only this snapshot.")
@_json
def list_(repo: Path | None, root: str | None, name: str | None, *, as_json: bool) -> None:
    """List snapshots and their versions."""
    from feast_plugin.versions.catalog import Damaged, survey

    versions = list(survey(_where(root, repo), name))
    damaged = [version for version in versions if isinstance(version, Damaged)]
    found: list[dict[str, Any]] = [
        {
            "name": manifest.name,
            "version": manifest.version,
            "created": manifest.created,
            "digest": manifest.digest,
            "ratio": manifest.ratio,
            "seed": manifest.seed,
            "datasets": manifest.datasets,
        }
        for manifest in versions
        if not isinstance(manifest, Damaged)
    ]
    if as_json:
        click.echo(json.dumps({"snapshots": found, "damaged": [dataclasses.asdict(one) for one in damaged]}))
    else:
        for row in found:
            click.echo(
                f"{row['name']}  version {row['version']}  {row['created']}  ratio {row['ratio']}  "
                f"seed {row['seed']}  {row['digest'][:12]}"
            )
        for one in damaged:
            click.echo(f"{one.name}  version {one.version}  damaged: {one.problem}")
    if damaged:
        told = ", ".join(f"{one.name} version {one.version}" for one in damaged)
        raise CorruptStateError(f"{told}: the manifest cannot be read: restore it from a copy, or prune the version")


@snapshot.command()
@_repo(required=False)
@_name
@_root
@_version
@_json
def show(repo: Path | None, name: str, root: str | None, version: int | None, *, as_json: bool) -> None:
    """Show a version's manifest."""
    from feast_plugin.versions.catalog import show_snapshot

    manifest = show_snapshot(name, _where(root, repo), version)
    if as_json:
        click.echo(json.dumps(json.loads(manifest.to_json())))
    else:
        click.echo(manifest.to_json(), nl=False)


@snapshot.command()
@_repo(required=True)
@_name
@_root
@_version
@_json
def verify(repo: Path, name: str, root: str | None, version: int | None, *, as_json: bool) -> None:
    """Check a version: files against manifest, manifest against registry, lineage, splits."""
    _check_version(repo, name, root, version)
    with _feast():
        from feast_plugin.versions.verify import verify_snapshot

        found = verify_snapshot(_open(repo), name=name, root=root, version=version)
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
@click.argument("first", type=click.IntRange(min=1))
@click.argument("second", type=click.IntRange(min=1))
@_repo(required=False)
@_name
@_root
@_json
def diff(first: int, second: int, repo: Path | None, name: str, root: str | None, *, as_json: bool) -> None:
    """Compare two versions: parameters, contract, counts, distributions."""
    from feast_plugin.versions.diff import diff_snapshot

    found = diff_snapshot(first, second, name=name, root=_where(root, repo))
    click.echo(json.dumps(found) if as_json else json.dumps(found, indent=1))


@snapshot.command()
@_repo(required=True)
@_name
@_root
@_version
@click.option(
    "--entity-df",
    help="Entity frame, where the real rows must be retrieved again and the manifest's file is gone.",
)
@_json
def rebuild(
    repo: Path, name: str, root: str | None, version: int | None, entity_df: str | None, *, as_json: bool
) -> None:
    """Make a version's files again and put back those that are missing or changed."""
    from feast_plugin.versions.parameters import frame_file, is_select

    _check_version(repo, name, root, version)
    if entity_df is not None and not is_select(entity_df):
        frame_file(entity_df)
    with _feast():
        from feast_plugin.rebuild import rebuild_snapshot

        made = rebuild_snapshot(_open(repo), name=name, root=root, version=version, entity_df=entity_df)
    if as_json:
        click.echo(json.dumps(made.to_dict()))
        return
    click.echo(f"{name} version {made.version}: every byte came out again from the {made.source}'s rows")
    for path in made.restored:
        click.echo(f"  restored {path}")


@snapshot.command()
@_repo(required=True)
@_name
@_root
@click.option("--version", type=click.IntRange(min=1), help="The version to remove.")
@click.option("--keep", type=click.IntRange(min=1), help="Instead: remove all but that many of the newest.")
@_json
def prune(repo: Path, name: str, root: str | None, version: int | None, keep: int | None, *, as_json: bool) -> None:
    """Remove versions that nothing uses, files and registry entries."""
    if (version is None) == (keep is None):
        raise InvalidInputError("prune needs either --version or --keep, how many of the newest to keep")
    _check_version(repo, name, root, version)
    with _feast():
        from feast_plugin.prune import prune_snapshot

        gone = prune_snapshot(_open(repo), name=name, root=root, version=version, keep=keep)
    if as_json:
        click.echo(json.dumps({"name": name, "removed": gone}))
    else:
        click.echo(f"{name}: removed {', '.join(f'version {number}' for number in gone) or 'nothing'}")


@snapshot.command()
@_repo(required=True)
@_name
@_root
@click.option("--entity", required=True, help="Value of a join key, or key=value.")
@_json
def forget(repo: Path, name: str, root: str | None, entity: str, *, as_json: bool) -> None:
    """Replace every version that holds an entity, or rows that descend from it, by one without.

    Later versions of this name leave the entity out.
    """
    from feast_plugin.versions.catalog import Catalog
    from feast_plugin.versions.tombstones import Tombstones

    _check_repo(repo)
    catalog = Catalog.open(name, root, repo)
    if not Tombstones.read(catalog.home).keys_of(entity):
        catalog.check_known()
    with _feast():
        from feast_plugin.forget import forget_entity

        done = forget_entity(_open(repo), name=name, root=root, entity=entity)
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


def _where(root: str | None, repo: Path | None) -> str | Path:
    if root is None and repo is None:
        raise InvalidInputError("give --root, or --repo where snapshots are kept in the repository itself")
    return root if root is not None else Path(str(repo)) / "snapshots"


def _check_options(repo: Path, options: dict[str, Any]) -> None:
    """Check a create command as far as it can be before Feast is imported."""
    from feast_plugin.versions.parameters import Sampling, check_request

    _check_repo(repo)
    Sampling(**{field.name: options[field.name] for field in dataclasses.fields(Sampling)})
    asked = ("name", "split", "retain", "feature_service", "features", "entity_df", "start_date", "end_date")
    check_request(**{name: options[name] for name in asked})


def _check_version(repo: Path, name: str, root: str | None, version: int | None) -> None:
    """Check that there is a version before Feast is imported."""
    from feast_plugin.versions.catalog import Catalog

    _check_repo(repo)
    Catalog.open(name, root, repo).check_known(version)


def _check_repo(repo: Path) -> None:
    if not (repo / "feature_store.yaml").is_file():
        raise InvalidInputError(f"--repo {str(repo)!r} has no feature_store.yaml: name a Feast repository")


def _open(repo: Path) -> FeatureStore:
    _check_repo(repo)
    from feast import FeatureStore

    try:
        store = FeatureStore(repo_path=str(repo.resolve()))
        store.registry.refresh(store.project)
    except Exception as error:  # a configuration or registry that Feast cannot read, each with an error of its own
        raise InvalidInputError(
            f"--repo {str(repo)!r} cannot be opened: {type(error).__name__}: {error}: has `feast apply` been run?"
        ) from error
    return store


@contextlib.contextmanager
def _feast() -> Iterator[None]:
    """Run what needs Feast: say how to install it, and keep its prints and warnings off the answer."""
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        try:
            import feast  # noqa: F401 - it resets the filter of warnings when it is imported
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"`resampler snapshot` needs {error.name}: pip install 'feast-resampler[feast]'"
            ) from error
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("always", SnapshotWarning)
        show = warnings.showwarning
        warnings.showwarning = lambda message, category, *where: (
            click.echo(f"Note: {message}", err=True)
            if issubclass(category, SnapshotWarning)
            else show(message, category, *where)
        )
        yield
