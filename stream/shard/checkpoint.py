"""`Checkpoint`: where a shard stands, as its hash in Redis says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from resampler.errors import CorruptStateError, ResamplerError
from resampler.parameters import from_saved, to_saved
from resampler.schema import FeatureSchema
from stream.formats import InputFormat, OutputFormat
from stream.scripts import load_script
from stream.shard.changes import Changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import redis

    from resampler.online import OnlineResampler, OnlineStats
    from stream.redis.keys import ShardKeys

FORMAT_VERSION = 1
COUNTERS = ("entries", "rows", "synthetic", "emitted", "rejected", "snapshot_rows", "start_entries")


@dataclass(slots=True)
class Checkpoint:
    """What is known of a shard beside its saved state, and outlives its worker.

    Parameters
    ----------
    cursor : str
        ID of the last entry committed.
    entries : int
        Entries up to the cursor since the stream began, those before the start included.
    rows, synthetic, emitted, rejected : int
        Real rows accepted, synthetic rows made, rows written, rows that became dead letters.
    snapshot_rows : int
        Rows read, accepted or rejected, at the newest saved state: kept here, so that a crash loop cannot put the next
        saved state off.
    config : str
        Hash of contract and parameters.
    contract : str
        The contract, as JSON.
    parameters : dict
        The resampler's parameters; a secret key is its fingerprint.
    classes : dict of str to [real, synthetic, dropped, buffer rows]
        Counts by label; rows dropped are those that under-sampling left out.
    holder : str
        ``epoch owner`` of the worker that may write.
    start : str
        Where the stream began.
    start_entries : int
        `entries` at that time.
    formats : str
        ``input output`` format under which the entries behind the newest saved state were read; empty in a checkpoint
        of a release that did not store it.
    committed_s : float or None
        When the last commit succeeded, Unix time by the server's clock; None before the first, and in a checkpoint of a
        release that did not store it.
    changes : Changes
        Where the shard was paused and went on, and where it began to follow another recall.
    report : dict or None
        Why what a learner reported last is not followed: standing (`stream.metrics.Standing`) and words; empty where
        it is again, None where it always was.
    idle : list of dict or None
        Why hardly any synthetic row was made for long, as `resampler.idle.IdleReason` says it; empty where some are
        made again, None where it never was so.
    """

    cursor: str
    entries: int = 0
    rows: int = 0
    synthetic: int = 0
    emitted: int = 0
    rejected: int = 0
    snapshot_rows: int = 0
    config: str = ""
    contract: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    classes: dict[str, list[int]] = field(default_factory=dict)
    holder: str = ""
    start: str = "0-0"
    start_entries: int = 0
    formats: str = ""
    committed_s: float | None = None
    changes: Changes = field(default_factory=Changes)
    report: dict[str, str] | None = None
    idle: list[dict[str, Any]] | None = None

    @classmethod
    def begin(cls, resampler: OnlineResampler, cursor: str, entries: int, formats: str) -> Checkpoint:
        """Make a stream's first checkpoint.

        Parameters
        ----------
        resampler : OnlineResampler
            What the stream begins with.
        cursor : str
            Reading begins behind this ID.
        entries : int
            Entries at or before it.
        formats : str
            The worker's formats (`Settings.formats`).

        Returns
        -------
        Checkpoint
            With all counters of rows at 0.
        """
        return cls(
            cursor=cursor,
            entries=entries,
            start=cursor,
            start_entries=entries,
            formats=formats,
            config=resampler.config_hash,
            contract=resampler.schema.to_json(),
            parameters=from_saved(to_saved(resampler.parameters)),
        )

    @classmethod
    def load(cls, client: redis.Redis, keys: ShardKeys) -> Checkpoint | None:
        """Read a shard's checkpoint.

        Parameters
        ----------
        client : redis.Redis
            Connection to the shard's server.
        keys : ShardKeys
            The shard.

        Returns
        -------
        Checkpoint or None
            None if no worker has begun the shard.

        Raises
        ------
        CorruptStateError
            If it was not written by this project, or by another version of it.
        ResamplerError
            If a key of the shard holds something else.
        """
        import redis

        from stream.redis.errors import wrong_type

        try:
            fields: Mapping[bytes, bytes] = client.hgetall(keys.checkpoint)  # type: ignore[assignment]
        except redis.ResponseError as error:
            if found := wrong_type(client, keys):
                raise found from error
            raise
        if b"cursor" not in fields:
            return None
        try:
            if int(fields[b"format"]) != FORMAT_VERSION:
                raise CorruptStateError(
                    f"checkpoint {keys.checkpoint!r} has format {fields[b'format'].decode()}, this release reads "
                    f"{FORMAT_VERSION}: run the release that wrote it"
                )
            return cls(
                cursor=fields[b"cursor"].decode(),
                **{name: int(fields[name.encode()]) for name in COUNTERS},
                config=fields[b"config"].decode(),
                contract=fields[b"contract"].decode(),
                parameters=from_saved(json.loads(fields[b"parameters"])),
                classes=json.loads(fields[b"classes"]),
                holder=fields.get(b"holder", b"").decode(),
                start=fields[b"start"].decode(),
                formats=fields.get(b"formats", b"").decode(),
                committed_s=float(fields[b"time"]) if b"time" in fields else None,
                changes=Changes.parse(fields),
                report=json.loads(fields.get(b"report", b"null")),
                idle=json.loads(fields.get(b"idle", b"null")),
            )
        except (KeyError, ValueError) as error:
            raise CorruptStateError(
                f"checkpoint {keys.checkpoint!r} cannot be read ({type(error).__name__}: {error}): restore it from a "
                "backup, or delete the keys of the shard to begin again"
            ) from error

    @property
    def read(self) -> int:
        """Rows read since the stream began, accepted or rejected."""
        return self.rows + self.rejected

    def settings_of_formats(self) -> dict[str, Any]:
        """Return the formats under which the entries behind the newest saved state were read.

        Returns
        -------
        dict
            Fields of `Settings`; empty if they are not known.
        """
        if not self.formats:
            return {}
        input_format, output_format = self.formats.split(" ")
        return {"input_format": InputFormat(input_format), "output_format": OutputFormat(output_format)}

    @property
    def schema(self) -> FeatureSchema:
        """The contract that the stream was begun with."""
        return FeatureSchema.from_json(self.contract)

    def counters(self) -> dict[str, bytes | str | int]:
        """Return what every commit updates beside cursor and entries.

        Returns
        -------
        dict
            Fields of the hash.
        """
        counts: dict[str, bytes | str | int] = {name: getattr(self, name) for name in COUNTERS[1:-1]}
        said = {"report": self.report, "idle": self.idle}
        counts |= {name: json.dumps(words) for name, words in said.items() if words is not None}
        return counts | {"classes": json.dumps(self.classes), "formats": self.formats}

    def count(self, stats: OnlineStats) -> None:
        """Take over the resampler's counts by class.

        Parameters
        ----------
        stats : OnlineStats
            After the rows up to the cursor.
        """
        self.classes = {
            str(label): [real, stats.synthetic[label], stats.dropped[label], stats.buffer_rows[label]]
            for label, real in stats.real.items()
        }

    def write(self, client: redis.Redis, keys: ShardKeys, holder: str) -> None:
        """Write a shard's first checkpoint.

        Parameters
        ----------
        client : redis.Redis
            Connection to the shard's server.
        keys : ShardKeys
            The shard.
        holder : str
            What the lease says; nothing is written for another one.
        """
        fields: dict[str, bytes | str | int] = {
            "format": FORMAT_VERSION,
            "cursor": self.cursor,
            "entries": self.entries,
            "start": self.start,
            "start_entries": self.start_entries,
            "config": self.config,
            "contract": self.contract,
            "parameters": json.dumps(to_saved(self.parameters), sort_keys=True),
        }
        items = [item for pair in (fields | self.counters()).items() for item in pair]
        load_script(client, "begin")(keys=[keys.checkpoint], args=[holder, *items])

    def require_same_config(self, resampler: OnlineResampler, keys: ShardKeys, preset: str = "") -> None:
        """Refuse to go on with other parameters or another contract.

        Parameters
        ----------
        resampler : OnlineResampler
            The worker's.
        keys : ShardKeys
            The shard, for the message.
        preset : str
            What the worker's preset sets, in words; empty without one.

        Raises
        ------
        ResamplerError
            If the output would no longer be that of one uninterrupted run.
        """
        if self.config == resampler.config_hash:
            return
        parameters = from_saved(to_saved(resampler.parameters))
        if self.schema.hash == resampler.schema.hash and self.parameters == parameters:
            return  # begun with an advance that did nothing: see `from_saved`
        _require_key(self.parameters.get("secret_key"), parameters["secret_key"], keys)
        changed = [
            f"{name} {self.parameters.get(name)} -> {value}"
            for name, value in parameters.items()
            if self.parameters.get(name) != value
        ]
        if self.schema.hash != resampler.schema.hash:
            changed.append(f"the contract: {_difference(self.schema, resampler.schema)}")
        raise ResamplerError(
            f"stream {keys.input!r} was begun with other settings ({', '.join(changed)}): give those that it was begun "
            f"with, to the left of each arrow, or write to another stream{f'; {preset}' if preset else ''}"
        )


def _require_key(begun: str | None, given: str | None, keys: ShardKeys) -> None:
    """Refuse another secret key, by fingerprint, than the one that a stream was begun with."""
    if begun == given:
        return
    with_it = "without a secret key" if begun is None else f"with the secret key {begun}"
    remedy = "give none" if begun is None else "give that one, --secret-key ENV|FILE (Settings(secret_key=...))"
    raise ResamplerError(
        f"stream {keys.input!r} was begun {with_it}, got {given or 'none'}: {remedy}, or write to another stream"
    )


def _difference(stored: FeatureSchema, given: FeatureSchema) -> str:
    """Name the first thing in which two contracts differ."""
    if stored.names != given.names:
        for number, (before, after) in enumerate(zip(stored.names, given.names, strict=False), start=1):
            if before != after:
                return f"column {number} {before!r} -> {after!r}"
        return f"{stored.n_features} -> {given.n_features} columns"
    old: tuple[Any, ...] = (*stored.features, stored.label)
    new: tuple[Any, ...] = (*given.features, given.label)
    for before, after in zip(old, new, strict=True):
        for name in (part.name for part in fields(before)):
            if getattr(before, name) != getattr(after, name):
                return f"{name} of {before.name!r} {getattr(before, name)!r} -> {getattr(after, name)!r}"
    return "equal numbers, written otherwise, such as 1 for 1.0"
