"""MLflow: a run of a published version, and the way back from a model to its version."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import posixpath
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from resampler.errors import DataError, MissingExtraError
from resampler.lineage.outbox import REMOVED, RefusedError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.data.meta_dataset import MetaDataset

    from resampler.lineage.outbox import Event
    from resampler.lineage.publication import Publication
    from resampler.lineage.settings import MLflow
    from resampler.storage import Location

DIGEST_CHARS = 36  # the most that MLflow keeps of a dataset's digest: 144 bits of ours
TAG = "resampler."
_EVENT = f"{TAG}event"
_POD_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_MOST_CHARS = 500  # of a parameter
_NAME_CHARS = 250  # the most that MLflow keeps of the name of a metric or parameter
_TAG_CHARS = 5_000  # and of a tag
_SCHEMA_CHARS = 1_000_000  # and of a dataset's columns
_PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "3", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
_TYPES = {"bool": "boolean", "float32": "float", "float64": "double", "int32": "integer", "int64": "long"}


def client_of(tracking_uri: str | None, patience: dict[str, str] | None = None) -> MlflowClient:
    """Import MLflow and make a client that gives up soon.

    Parameters
    ----------
    tracking_uri : str or None
        By default what MLflow finds itself.
    patience : dict of str to str, optional
        MLflow's variables for how long it waits; what the user has set stays.

    Returns
    -------
    MlflowClient
        Of that server.

    Raises
    ------
    MissingExtraError
        If MLflow is not installed.
    """
    for name, value in (patience or _PATIENCE).items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"models of MLflow need {error.name}: pip install 'feast-resampler[mlflow]'") from error
    _import_headers()
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=tracking_uri)


def _import_headers() -> None:
    """Import what adds headers to requests, but for Feast's plugin, which imports all of Feast for a pod's token."""
    from mlflow.utils import plugins

    if _POD_TOKEN.is_file():
        return
    all_of = plugins.get_entry_points
    plugins.get_entry_points = lambda group: [one for one in all_of(group) if one.name != "feast"]
    try:
        importlib.import_module("mlflow.tracking.request_header.registry")
    finally:
        plugins.get_entry_points = all_of


def send(event: Event, home: Location, settings: MLflow) -> None:
    """Make the run of a published version, or go on with the one that an earlier try has begun.

    Of a version that was removed the run gets a tag, and is deleted where the version held what is to be forgotten:
    its page shows rows. (``mlflow gc`` then removes the page too.)

    Parameters
    ----------
    event : Event
        Of a publication, or of the end of one.
    home : Location
        Directory of the snapshot, where the page is.
    settings : MLflow
        Where to.

    Raises
    ------
    RefusedError
        If the server will never take it.
    Exception
        If it was not taken now, for whatever reason MLflow has.
    """
    from mlflow.exceptions import MlflowException

    try:
        _send(event, home, settings)
    except MlflowException as error:
        if error.error_code == "INVALID_PARAMETER_VALUE":  # what is behind it must not wait for ever
            raise RefusedError(f"MLflow takes no such run: {str(error)[:_MOST_CHARS]}") from error
        raise


def _send(event: Event, home: Location, settings: MLflow) -> None:
    from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunStatus, RunTag

    from resampler.lineage.publication import Publication

    client = client_of(settings.tracking_uri)
    experiment = client.get_experiment_by_name(settings.experiment)
    if event.what == REMOVED:
        if experiment is not None:
            _removed(client, experiment.experiment_id, event)
        return
    made = Publication.from_dict(event.about["publication"])
    number = client.create_experiment(settings.experiment) if experiment is None else experiment.experiment_id
    found = client.search_runs([number], f"tags.`{_EVENT}` = '{event.id}'", max_results=1)
    if found and found[0].info.status == "FINISHED":
        return
    started = int(_milliseconds(made.created))
    tags = _tags(made) | {_EVENT: event.id}
    run = found[0] if found else client.create_run(number, started, tags, run_name=str(made))
    identity = run.info.run_id
    params = [Param(name, value[:_MOST_CHARS]) for name, value in _params(made).items()]
    metrics = [Metric(name, value, started, 0) for name, value in _metrics(made).items()]
    client.log_batch(identity, metrics, params, [RunTag(*one) for one in tags.items()])
    dataset = dataset_of(made.name, made.digest, f"{made.uri}/{made.paths['train']}", made.columns)
    told = [
        InputTag("mlflow.data.context", "training"),
        InputTag(f"{TAG}snapshot", made.name),
        InputTag(f"{TAG}version", str(made.version)),
        InputTag(f"{TAG}digest", made.digest),
    ]
    if not run.inputs or not run.inputs.dataset_inputs:
        client.log_inputs(identity, [DatasetInput(dataset._to_mlflow_entity(), told)])
    _artifacts(client, identity, made, home)
    client.set_terminated(identity, RunStatus.to_string(RunStatus.FINISHED), int(_milliseconds(event.at)))


def _removed(client: MlflowClient, experiment: str, event: Event) -> None:
    """Say of a version's run that the version is gone."""
    digest, why = event.about["digest"], event.about["why"]
    for run in client.search_runs([experiment], f"tags.`{TAG}digest` = '{digest}'"):
        if _EVENT in run.data.tags:
            client.set_tag(run.info.run_id, f"{TAG}removed", why)
            if why == "forget":
                client.delete_run(run.info.run_id)


def dataset_of(name: str, digest: str, path: str, columns: dict[str, str] | None = None) -> MetaDataset:
    """Describe the training split of a version to MLflow; no row is read.

    Parameters
    ----------
    name : str
        Of the snapshot.
    digest : str
        Of the version.
    path : str
        Of the split's file, a path or a URI.
    columns : dict of str to str, optional
        Names and dtypes.

    Returns
    -------
    mlflow.data.meta_dataset.MetaDataset
        Named as in events of OpenLineage, ``NAME_train``, with the first digits of the digest.
    """
    from mlflow.data.dataset_source_registry import resolve_dataset_source
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.types import ColSpec, Schema

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a path may be read by more than one reader
        source = resolve_dataset_source(path)
    schema = None
    if columns:
        schema = Schema([ColSpec(_TYPES.get(dtype, "string"), column) for column, dtype in columns.items()])
        if len(json.dumps(schema.to_dict())) > _SCHEMA_CHARS:
            schema = None
    return MetaDataset(source, name=f"{name}_train", digest=digest[:DIGEST_CHARS], schema=schema)


def training_input() -> MetaDataset:
    """Describe the version that a training command of `resampler retrain` was given.

    Returns
    -------
    mlflow.data.meta_dataset.MetaDataset
        For ``mlflow.log_input(training_input(), context="training")``: `resampler explain` then knows the model.

    Raises
    ------
    DataError
        Outside such a command, whose environment says which version it is.
    """
    names = ("RESAMPLER_SNAPSHOT", "RESAMPLER_DIGEST", "RESAMPLER_TRAIN_PATH")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise DataError(
            f"training_input needs {', '.join(missing)} in the environment, where `resampler retrain` puts it: run it "
            "there, or use dataset_of"
        )
    snapshot, digest, path = (os.environ[name] for name in names)
    return dataset_of(snapshot, digest, path)


def _tags(made: Publication) -> dict[str, str]:
    views = [one["name"] for one in made.inputs if one["kind"] == "feature view"]
    feast = {
        "feast.project": made.project,
        "feast.feature_service": made.feature_service,
        "feast.feature_views": ",".join(views) if made.project else None,
        "feast.retrieval_type": "historical" if made.project else None,
    }
    ours = {
        f"{TAG}snapshot": made.name,
        f"{TAG}version": str(made.version),
        f"{TAG}digest": made.digest,
        f"{TAG}contract": made.contract,
        f"{TAG}uri": made.uri,
        f"{TAG}findings": ",".join(sorted({one["name"] for one in made.findings})) or None,
        f"{TAG}privacy": made.privacy,
        f"{TAG}secret_key": made.secret_key,
    }
    return {name: value[:_TAG_CHARS] for name, value in (feast | ours).items() if value}


def _params(made: Publication) -> dict[str, str]:
    named = {"seed": made.seed, "ratio": made.ratio, "method": made.method, "label": made.label}
    return {_name(name): str(value) for name, value in (made.parameters | named).items()}


def _metrics(made: Publication) -> dict[str, float]:
    found = {"ratio_reached": made.reached, "findings": float(len(made.findings))}
    for split, counts in made.counts.items():
        found |= {f"{split}.{kind}": float(counts[kind]) for kind in ("rows", "real", "synthetic")}
        for number, (_, of) in enumerate(sorted(counts["classes"].items())):  # a class's name may be no metric's
            found |= {f"{split}.class_{number}.{kind}": float(of[kind]) for kind in ("real", "synthetic")}
    return found | {_name(name): value for name, value in made.quality.items()} | made.cost


def _name(name: str) -> str:
    """Write a name as MLflow takes it: the name of a class may be any text, a path and very long too."""
    shown = "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name)
    if shown.startswith(("/", "..")) or posixpath.normpath(shown) != shown:
        shown = shown.replace("/", "_").lstrip(".") or "_"
    if len(shown) <= _NAME_CHARS:
        return shown
    digits = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]  # so that two long names stay two
    return f"{shown[: _NAME_CHARS - 9]}_{digits}"


def _artifacts(client: MlflowClient, run_id: str, made: Publication, home: Location) -> None:
    """Attach what the version says of itself: the publication, the page, and the newest audit of privacy."""
    from resampler.runs.latest import newest

    with tempfile.TemporaryDirectory(prefix="resampler-") as folder:
        (Path(folder) / "publication.json").write_text(json.dumps(made.to_dict(), indent=1, sort_keys=True))
        if made.page is not None:
            page = home / made.uri.rpartition("/")[2] / made.page
            if page.exists():  # a version that was pruned meanwhile has none
                (Path(folder) / "report.html").write_bytes(page.read())
        audit = newest(home, made.digest, "privacy")
        if audit is not None:
            (Path(folder) / "privacy.json").write_text(json.dumps(audit.details, indent=1, sort_keys=True))
        client.log_artifacts(run_id, folder)


def _milliseconds(at: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(at).timestamp() * 1000
