"""OpenLineage: run events of what happened, in the names that Feast's own events have, and its way to the server."""

from __future__ import annotations

import contextlib
import logging
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Any

import attr
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.facet_v2 import (
    DatasetFacet,
    dataset_version_dataset,
    datasource_dataset,
    documentation_dataset,
    job_type_job,
    lifecycle_state_change_dataset,
    output_statistics_output_dataset,
    schema_dataset,
    symlinks_dataset,
)
from openlineage.client.transport.http import HttpTransport
from requests import HTTPError

from resampler.lineage.outbox import POINTED, REMOVED, Event, RefusedError
from resampler.lineage.publication import FILE, Publication

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resampler.lineage.settings import OpenLineage

PRODUCER = "https://pypi.org/project/feast-resampler"
TIMEOUT_S = 3.0  # of a request: what a server does not take in time waits in the outbox, which is the retry
_SCHEMA = f"{PRODUCER}/{version_of('feast-resampler')}#"
_FOR_EVER = frozenset({400, 405, 410, 413, 415, 422, 501})  # answers that no later try will change


@attr.define
class ResamplerVersionFacet(DatasetFacet):
    """What a version is beside its rows: all that rebuilds it but the rows themselves."""

    snapshot: str = attr.field(kw_only=True)
    version: int = attr.field(kw_only=True)
    digest: str = attr.field(kw_only=True)
    split: str = attr.field(kw_only=True)
    seed: int = attr.field(kw_only=True)
    ratio: float = attr.field(kw_only=True)
    reached: float = attr.field(kw_only=True)
    method: str = attr.field(kw_only=True)
    parameters: dict[str, Any] = attr.field(kw_only=True)
    counts: dict[str, Any] = attr.field(kw_only=True)
    parents: dict[str, Any] = attr.field(kw_only=True)
    findings: list[dict[str, Any]] = attr.field(kw_only=True)
    quality: dict[str, float] = attr.field(kw_only=True)
    privacy: str = attr.field(kw_only=True)
    secretKey: str | None = attr.field(default=None, kw_only=True)  # noqa: N815 - as fields of facets are written

    @staticmethod
    def _get_schema() -> str:
        return f"{_SCHEMA}/ResamplerVersionFacet"


@attr.define
class ResamplerAliasFacet(DatasetFacet):
    """Where an alias points, and why."""

    alias: str = attr.field(kw_only=True)
    version: int | None = attr.field(kw_only=True)
    before: int | None = attr.field(kw_only=True)
    why: str = attr.field(kw_only=True)

    @staticmethod
    def _get_schema() -> str:
        return f"{_SCHEMA}/ResamplerAliasFacet"


@attr.define
class SavedDatasetFacet(DatasetFacet):
    """What Feast's own events call `feast_savedDataset`: Feast finds its object by it."""

    name: str = attr.field(kw_only=True)
    features: list[str] = attr.field(kw_only=True)
    join_keys: list[str] = attr.field(kw_only=True)
    feature_service_name: str | None = attr.field(default=None, kw_only=True)

    @staticmethod
    def _get_schema() -> str:
        return f"{_SCHEMA}/SavedDatasetFacet"


def events_of(event: Event, namespace: str) -> list[RunEvent | DatasetEvent]:
    """Make what OpenLineage is sent of an event.

    Parameters
    ----------
    event : Event
        What happened.
    namespace : str
        Of jobs and datasets.

    Returns
    -------
    list of RunEvent or DatasetEvent
        One run, or a dataset event for each dataset that is gone.
    """
    if event.what == REMOVED:
        return [_gone(event, name, namespace) for name in event.about["datasets"].values()]
    publication = Publication.from_dict(event.about["publication"])
    return [_pointed(event, publication, namespace) if event.what == POINTED else _made(event, publication, namespace)]


def _made(event: Event, made: Publication, namespace: str) -> RunEvent:
    outputs = [_output(made, split, namespace) for split in made.datasets]
    inputs = [
        InputDataset(_file_namespace(one["name"]) if one["kind"] == FILE else namespace, _file_name(one["name"]))
        if one["kind"] == FILE
        else InputDataset(namespace, one["name"])
        for one in made.inputs
    ]
    return _run(event, f"snapshot_{made.name}", namespace, inputs, outputs)


def _pointed(event: Event, version: Publication, namespace: str) -> RunEvent:
    """Tell a move as a run from the version's datasets to those of the alias, so that its history is theirs."""
    alias = event.about["alias"]
    facet = ResamplerAliasFacet(
        alias=alias, version=event.about["version"], before=event.about["before"], why=event.about["why"]
    )
    inputs = [InputDataset(namespace, name) for name in version.datasets.values()]
    outputs = [
        OutputDataset(
            namespace,
            f"{version.name}_{alias}_{split}",
            facets={
                "version": dataset_version_dataset.DatasetVersionDatasetFacet(str(version.version)),
                "schema": _schema(version),
                "resampler_alias": facet,
                "feast_savedDataset": _saved(version, f"{version.name}_{alias}_{split}"),
            },
        )
        for split in version.datasets
    ]
    return _run(event, f"snapshot_{version.name}_{alias}", namespace, inputs, outputs)


def _gone(event: Event, name: str, namespace: str) -> DatasetEvent:
    """Tell that a dataset is gone; a run would make another version of it."""
    drop = lifecycle_state_change_dataset.LifecycleStateChange.DROP
    facets: dict[str, DatasetFacet] = {
        "lifecycleStateChange": lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(drop),
        "documentation": documentation_dataset.DocumentationDatasetFacet(event.about["words"]),
    }
    return DatasetEvent(
        eventTime=event.at, producer=PRODUCER, dataset=StaticDataset(namespace, name, facets=_ours(facets))
    )


def _run(event: Event, job: str, namespace: str, inputs: list[InputDataset], outputs: list[OutputDataset]) -> RunEvent:
    kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="RESAMPLER", jobType="SNAPSHOT")
    for output in outputs:
        output.facets = _ours(output.facets or {})
        output.outputFacets = _ours(output.outputFacets or {})
    return RunEvent(
        eventType=RunState.COMPLETE,
        eventTime=event.at,
        producer=PRODUCER,
        run=Run(event.id),
        job=Job(namespace, job, facets=_ours({"jobType": kind})),
        inputs=inputs,
        outputs=outputs,
    )


def _output(made: Publication, split: str, namespace: str) -> OutputDataset:
    name, counts = made.datasets[split], made.counts[split]
    facets: dict[str, DatasetFacet] = {
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(str(made.version)),
        "symlinks": symlinks_dataset.SymlinksDatasetFacet([symlinks_dataset.Identifier(namespace, name, "TABLE")]),
        "schema": _schema(made),
        "dataSource": datasource_dataset.DatasourceDatasetFacet(name=name, uri=f"{made.uri}/{made.paths[split]}"),
        "lifecycleStateChange": lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(
            lifecycle_state_change_dataset.LifecycleStateChange.CREATE
        ),
        "feast_savedDataset": _saved(made, name),
        "resampler_version": ResamplerVersionFacet(
            snapshot=made.name,
            version=made.version,
            digest=made.digest,
            split=split,
            seed=made.seed,
            ratio=made.ratio,
            reached=made.reached,
            method=made.method,
            parameters=made.parameters,
            counts=counts,
            parents=made.to_dict()["counts"]["train"] | {"split": "train"} if split == "train" else {},
            findings=made.findings,
            quality=made.quality,
            privacy=made.privacy,
            secretKey=made.secret_key,
        ),
    }
    rows = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=counts["rows"], size=made.bytes.get(split), fileCount=1
    )
    return OutputDataset(namespace, f"{made.name}_{split}", facets=facets, outputFacets={"outputStatistics": rows})


def _schema(made: Publication) -> schema_dataset.SchemaDatasetFacet:
    fields = [schema_dataset.SchemaDatasetFacetFields(name=name, type=dtype) for name, dtype in made.columns.items()]
    return schema_dataset.SchemaDatasetFacet(fields)


def _saved(made: Publication, name: str) -> SavedDatasetFacet:
    return SavedDatasetFacet(
        name=name,
        features=made.references,
        join_keys=made.keys,
        feature_service_name=made.feature_service,
    )


def _ours(facets: dict[str, Any]) -> dict[str, Any]:
    """Name the producer in every facet; OpenLineage's own setting is one for the whole process."""
    for facet in facets.values():
        facet._producer = PRODUCER
    return facets


def _file_namespace(path: str) -> str:
    """Return the namespace of a file, as OpenLineage names them: ``file``, or ``s3://bucket``."""
    scheme, _, rest = path.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if rest else "file"


def _file_name(path: str) -> str:
    return path.partition("://")[2].partition("/")[2] if "://" in path else path


class Client:
    """What sends events.

    Parameters
    ----------
    settings : OpenLineage
        Where to.
    """

    def __init__(self, settings: OpenLineage) -> None:
        # It writes addresses, which may hold passwords; what it raises is said by whoever sends.
        logging.getLogger("openlineage").setLevel(logging.CRITICAL)
        self.namespace = settings.namespace
        self._client = OpenLineageClient(
            config=None if settings.transport is None else {"transport": settings.transport}
        )
        for transport in _http(self._client.transport):
            transport.timeout = min(transport.timeout, TIMEOUT_S)
            transport.config.retry = {"total": 0}
            transport.session = None

    def send(self, event: Event) -> None:
        """Send an event.

        Parameters
        ----------
        event : Event
            What happened.

        Raises
        ------
        RefusedError
            If the server will never take it.
        Exception
            If it was not taken now, for whatever reason a transport has.
        """
        try:
            for one in events_of(event, self.namespace):
                self._client.emit(one)
        except HTTPError as error:
            if error.response is not None and error.response.status_code in _FOR_EVER:
                raise RefusedError(f"it answered {error.response.status_code}") from error
            raise

    @property
    def buffers(self) -> bool:
        """Whether events have arrived only when the transport was closed."""
        return self._client.transport.kind not in ("http", "file", "console")

    def close(self) -> bool:
        """Wait for what a transport still holds.

        Returns
        -------
        bool
            Whether all is sent.
        """
        return self._client.close(TIMEOUT_S)


def _http(transport: Any) -> Iterator[HttpTransport]:
    """Find the transports that speak HTTP, those within others included."""
    if isinstance(transport, HttpTransport):
        yield transport
    with contextlib.suppress(AttributeError, TypeError):
        for inner in transport.transports:
            yield from _http(inner)
