"""`Settings`: the contract and all options of a worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from resampler.errors import InvalidInputError
from resampler.online import OnlineResampler
from resampler.options import DURATION, FLAG, Rule, count, one_of, option
from resampler.parameters import OnlineParameters
from resampler.presets import describe, preset
from stream.drift.counter import Plan
from stream.drift.window import MAX_ROWS
from stream.formats import InputFormat, OutputFormat
from stream.formats.limits import ENTRY_BYTES, OutputSize
from stream.formats.table import OUTPUTS
from stream.redis.entryid import id_pair, is_entry_id

if TYPE_CHECKING:
    from resampler.schema import FeatureSchema
    from stream.drift.reference import Reference


def _start_id(start: str) -> str:
    """Return a start as Redis takes it."""
    if start in ("$", "tail"):
        return "$"
    if is_entry_id(start):
        ms, seq = id_pair(start)
        return f"{ms}-{seq}"
    try:
        moment = datetime.fromisoformat(start)
    except ValueError:
        moment = None
    if moment and moment.tzinfo is None:  # not the time zone of whichever machine this is
        moment = moment.replace(tzinfo=UTC)
    if moment is None or moment.timestamp() < 0:
        raise InvalidInputError(
            f"start must be 0, tail, an entry ID such as 1700000000000-0 or an ISO 8601 time, got {start!r}"
        )
    # Behind the last ID that the millisecond before could have had, so that the moment itself is included.
    ms_before = int(moment.timestamp() * 1000) - 1
    return f"{ms_before}-{2**64 - 1}" if ms_before >= 0 else "0-0"


def _check_start(_name: str, start: object) -> str:
    _start_id(str(start))
    return str(start)


_START = Rule(str, _check_start, "0, tail, an entry ID or an ISO 8601 time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(OnlineParameters):
    """What to resample, and how to cut and write it.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.
    ratio, k_neighbors, capacity, window, burst, strategy, clean, undersample, quota, emit, advance, warmup, seed,
    secret_key
        As in `resampler.OnlineResampler`. They and the contract are fixed for the life of a stream. The strategy
        `hardened` needs a secret key.
    growth, group_size, small_groups
        As there, and fixed too.
    batch_rows : int
        Input rows of an output entry, at most (an input entry is never split).
    linger_ms : int
        Rows whose entry IDs fall in the same `linger_ms` milliseconds share an output entry; a row waits no longer.
    input_format, output_format : InputFormat, OutputFormat
        Wire formats, or their names.
    start : str
        Where a stream that has no checkpoint begins: ``0`` the oldest entry, ``tail`` (or ``$``) what comes from now
        on, an entry ID (what follows it), or an ISO 8601 time (in UTC, unless it says otherwise).
    snapshot_rows : int
        Rows between two saved states: what a restart replays at most.
    trim : bool
        Trim the input behind each saved state.
    allow_gap : bool
        Go on when entries were lost to someone else's trimming.
    max_lag_rows : int or None
        Stop reading while the slowest feed is this many output rows behind.
    feedback : float or None
        Weigh the classes' quotas by the recall that a trainer reports (`stream.Feed.report_recall`) while it is younger
        than so many seconds; a text such as ``10m`` will do. None follows no learner. May change between workers.
    lease_ttl_ms : int
        After this long without a sign of life a worker's shards pass on.
    drift_rows, drift_every, drift_windows : int
        Where a `reference` is given: one of `drift_every` accepted rows is counted, so many rows in a window, and so
        many windows are kept.
    reference : Reference or None
        The version whose cells the input is counted in; None counts nothing.
    use : str or None
        The preset that parameters were taken from, for messages alone: see `for_use`.
    round_to_float32 : bool
        Take a contract with int32, int64 or float64 columns, whose values are rounded to the nearest float32: rows are
        float32 inside and in the output. Coded columns and the label are exact in any case.

    Raises
    ------
    InvalidInputError
        If a value breaks its rule.
    """

    schema: FeatureSchema = field(kw_only=False)
    batch_rows: int = option(256, count(1), "Input rows of an output entry, at most.")
    linger_ms: int = option(5, count(1), "Milliseconds that a row may wait for others.")
    input_format: InputFormat = option(
        InputFormat.AUTO, one_of(InputFormat, kind=InputFormat), "How an entry of the input holds its rows."
    )
    output_format: OutputFormat = option(
        OutputFormat.PACKED, one_of(OutputFormat, kind=OutputFormat), "How an entry of the output holds its rows."
    )
    round_to_float32: bool = option(
        False, FLAG, "Take int32, int64 and float64 columns, rounded to the nearest float32."
    )
    drift_rows: int = option(
        5_000, count(100, MAX_ROWS), "Rows counted in a window, where the input is counted against a version."
    )
    drift_every: int = option(16, count(1, 1 << 20), "Of so many accepted rows one is counted, chosen by its id.")
    drift_windows: int = option(24, count(1, 1_000), "Windows of counts that are kept, the newest.")
    start: str = option("0", _START, "Where a stream without a checkpoint begins: 0, tail, an entry ID or a time.")
    snapshot_rows: int = option(100_000, count(1), "Rows read, accepted or not, between two saved states.")
    trim: bool = option(False, FLAG, "Trim the input behind each saved state.")
    allow_gap: bool = option(False, FLAG, "Go on where entries were trimmed unread or a stream was replaced.")
    max_lag_rows: int | None = option(None, count(1), "Wait while the slowest feed is so many rows behind.")
    feedback: float | None = option(
        None,
        DURATION,
        "Weigh classes by the recall that a trainer reports, while it is younger than this, such as 10m.",
    )
    lease_ttl_ms: int = option(
        5_000, count(100), "Milliseconds without a sign of life after which a worker's shards pass on.", flags=()
    )

    reference: Reference | None = field(default=None, repr=False)
    use: str | None = None

    @classmethod
    def for_use(cls, use: str | None, schema: FeatureSchema, **options: Any) -> Self:
        """Make the settings that serve a use.

        Parameters
        ----------
        use : {"online-learning", "collecting"} or None
            What the output is for: a preset of `resampler.preset`. None is no preset.
        schema : FeatureSchema
            The contract.
        **options
            Of `Settings`; they go before the preset.

        Returns
        -------
        Settings
            With the preset's parameters where `options` have none.

        Raises
        ------
        InvalidInputError
            If there is no such use, or a value breaks its rule.

        Examples
        --------
        >>> from resampler import FeatureSchema
        >>> settings = Settings.for_use("online-learning", FeatureSchema.numeric(["a"]), burst=8)
        >>> settings.ratio, settings.burst  # the preset's, and the given one
        (1.0, 8)
        """
        return cls(schema, use=use, **(preset(use, **options) if use else options))

    def __post_init__(self) -> None:
        OnlineParameters.__post_init__(self)  # `super()` does not work in a dataclass with slots
        self._check_key()
        self._check_words()
        self._check_exact()
        self.new_resampler()  # refuses what the core refuses, before anything is connected
        size = self.output_size
        if self.batch_rows > (most := size.entry_rows):
            raise InvalidInputError(
                f"batch_rows={self.batch_rows} input rows with up to {size.rows - 1} synthetic rows behind "
                f"each, of {size.row_bytes} bytes, can make an output entry of more than "
                f"{ENTRY_BYTES >> 20} MB: lower batch_rows to {most} or less, or lower burst"
            )
        OUTPUTS[self.output_format].check(self.schema, draws=self.draws)

    def _check_key(self) -> None:
        if self.hardens and self.secret_key is None:
            raise InvalidInputError(
                f"strategy {self.strategy!r} needs a secret key, or the seed tells what was drawn: make one, as with "
                "`openssl rand -hex 32`, keep it in a variable or a file, and name that, --secret-key ENV|FILE "
                "(Settings(secret_key='env:NAME'))"
            )

    def _check_words(self) -> None:
        for column in self.schema.columns:
            if column.closed and not column.values:
                raise InvalidInputError(
                    f"column {column.name!r} is a string without categories, so that every row would be rejected: a "
                    'stream must know its values beforehand; list them in the contract, "categories": ["red", "green"]'
                )

    def _check_exact(self) -> None:
        inexact = [column for column in self.schema.columns if not column.exact_in_float32]
        if inexact and not self.round_to_float32:
            named = ", ".join(f"{column.name!r} ({column.dtype})" for column in inexact[:5])
            more = f" and {len(inexact) - 5} more" if len(inexact) > 5 else ""
            raise InvalidInputError(
                f"columns {named}{more} would be rounded: the stream's rows are float32, which merges integers beyond "
                "16777216; declare them float32 in the contract, or pass --round-to-float32 "
                "(Settings(round_to_float32=True)) to take the nearest float32 knowingly"
            )

    def new_resampler(self) -> OnlineResampler:
        """Make the resampler that a stream begins with.

        Returns
        -------
        OnlineResampler
            Empty.
        """
        return OnlineResampler(self.schema, **self.parameters)

    @property
    def preset_in_words(self) -> str:
        """What the preset sets, and what was given instead; empty without a preset."""
        if self.use is None:
            return ""
        said = preset(self.use)
        taken = preset(self.use, emit=self.emit)
        given = {name: value for name, value in self.parameters.items() if name in taken and value != said[name]}
        instead = f", given instead {describe(given)}" if given else ""
        return f"--for {self.use} is {describe(said)}{instead}"

    @property
    def plan(self) -> Plan | None:
        """Against what the input is counted, and how; None where it is not."""
        if self.reference is None:
            return None
        return Plan(self.reference, self.schema, self.drift_rows, self.drift_every, self.drift_windows)

    @property
    def output_size(self) -> OutputSize:
        """How much output one input row can cause."""
        return OutputSize.of(self.schema, self.burst, self.window, draws=self.draws)

    @property
    def formats(self) -> str:
        """Return ``input output`` format, as a checkpoint keeps them."""
        return f"{self.input_format} {self.output_format}"

    def start_id(self) -> str:
        """Return `start` as Redis takes it.

        Returns
        -------
        str
            ``$`` or an entry ID; reading begins behind it.
        """
        return _start_id(self.start)
