"""`OnlineResampler`: labelled rows in, in order; real and synthetic rows out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.bases import Bases, weigh
from resampler.buffer import BufferStats, MinorityBuffer
from resampler.errors import ContractError, CorruptStateError, InvalidInputError
from resampler.grids import Packed, pack
from resampler.grouped import GroupedRows, listed_codes
from resampler.idle import idle_reasons
from resampler.kernels.dispatch import CallSite
from resampler.kernels.online.operations import scatter
from resampler.kernels.online.window import RANGE_SHIFT, RANGES, Window, encode, follow, plan
from resampler.kernels.places import PLACES
from resampler.methods.catalog import METHODS
from resampler.metric import check_integers, label_key
from resampler.parameters import OnlineParameters, from_saved, to_saved
from resampler.provenance import MicroBatch, make_output
from resampler.quotas import ClassQuotas, targets
from resampler.resolution import MIN_REACH, reach
from resampler.schema import FeatureSchema
from resampler.secret import SecretKey
from resampler.state import dump_state, is_paused, load_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from resampler.idle import IdleReason
    from resampler.parameters import Emit, Quota, Strategy

MAX_CLASSES = 32
LARGEST = float(np.finfo(np.float32).max)


class OnlineStats(NamedTuple):
    """Counts since the beginning, by label.

    Parameters
    ----------
    real, synthetic : dict of int to int
        Rows that came in, rows that were made.
    dropped : dict of int to int
        Rows that under-sampling left out.
    buffer_rows : dict of int to int
        Rows that the class's minority buffer holds now.
    """

    real: dict[int, int]
    synthetic: dict[int, int]
    dropped: dict[int, int]
    buffer_rows: dict[int, int]

    @property
    def synthetic_ratio(self) -> float:
        """Synthetic rows : all rows that came out, 0 before the first."""
        synthetic = sum(self.synthetic.values())
        return synthetic / max(1, synthetic + sum(self.real.values()) - sum(self.dropped.values()))


class OnlineResampler:
    """Keep every class at `ratio` of the largest by adding synthetic rows behind real ones.

    Rows are handled one after the other. With each, every class is owed what its share of the last `window` rows
    lacks of `ratio` x the largest class's share, and what is owed is paid in whole rows behind it, at most `burst`
    at once, made from the class's last `capacity` rows. A class with `k_neighbors` rows or fewer emits nothing yet.

    Parameters
    ----------
    schema : FeatureSchema
        Columns, which of them are categorical, their units of distance, which may be null, and what numbers they keep:
        synthetic values are put on a column's grid, by the nearest of its numbers where the method draws no more than a
        step, else by a draw that does not shift the mean.
    ratio : float
        Minority : majority after augmentation, in (0, 1].
    k_neighbors : int
        Neighbours that a base may be joined with.
    capacity : int
        Rows of each class that synthetic rows are made from.
    window : int
        Rows over which the classes' shares are counted.
    burst : int
        Synthetic rows of a class that one row can cause, at most.
    strategy : {"smote", "borderline", "adasyn", "geometric", "hardened"}
        How rows are made: a method of `resampler.methods.catalog`. Bases are all rows of a class alike; under
        borderline those in danger, that is half or more of whose `k_neighbors` nearest rows are of other classes, but
        not all; under adasyn each in proportion to the number of such rows. Under geometric rows lie in the ball around
        a base, else on the segment to a neighbour. The other classes are represented by a sample of up to `capacity`
        rows, thinned to as many as the class has in the same stretch of rows. Where no row is in danger, all bases are
        alike. Under hardened no row is a base: rows are made from the centroid, spread and counts of groups of the
        class's rows (`resampler.grouped`), and name no parents; they begin with rows for two groups.
    clean : bool
        Leave out noise: rows all of whose `k_neighbors` nearest rows are of other classes are not taken as bases.
    undersample : float or None
        Drop majority rows at random until minority : majority is this, before synthetic rows make up the rest; a row's
        fate is keyed by its id. A minority counts as `k_neighbors` + 1 rows at least. With ``undersample >= ratio``
        there is nothing left to make up. None keeps every row.
    quota : {"exact", "poisson"}
        Whether what a class is owed is counted, or drawn with every row and carried over unless emit is owed.
    emit : {"owed", "arrival", "both"}
        When a class is paid what it is owed. Under owed as soon as it is owed a row, behind whichever row comes, with
        bases drawn from all that are held. Under arrival behind the class's own rows alone: a row that comes is itself
        the base (where it is one by `strategy` and `clean`, else bases are drawn), so that a learner hears of a burst
        of a rare class while it lasts. What the class was owed since its last row is paid then, up to `burst`.
        Under both behind any row as under owed, and behind the class's own as under arrival, where at least `advance`
        of what such a row stands for (what the class lacks in the window, over its rows there) is paid ahead: the first
        rows of a burst are heard at once, and a class whose rows are few and far between is not forgotten.
    advance : float
        That part, from 0 to 1; under owed and arrival, where nothing is paid ahead, none is to be given.
    warmup : int
        Rows before the first synthetic one.
    seed : int
        From 0 to 2**64 - 1.
    secret_key : SecretKey or str or None
        A secret that every draw is keyed on beside the seed, or where it is read: ``env:NAME`` or ``file:PATH``.
        Without one, whoever knows the seed and the ids can tell which rows are a synthetic row's parents.
    group_size : int
        Under hardened: rows of a group, at least; 10 or more.
    small_groups : bool
        Under hardened: consent to groups of 5 to 9 rows, which say more about each of these.
    growth : float or None
        Rows that a class is to have for each real one in the window, at most, 1 or more: a class that is absent there
        is owed nothing, however long it stays away. None sets no limit.
    class_ratio : mapping of str to float or None
        A ratio of its own for a class, by its name or code; the others keep `ratio`.
    cost : mapping of str to float or None
        What a missed row of a class costs, in missed rows of the largest, 1 or more: the class is to have so many rows
        for each real one, but no more than its ratio asks for. Classes that are not named have `growth` instead.

    Attributes
    ----------
    paused : bool
        Whether rows pass and no synthetic one is made; False at first, and to be set between two calls. Rows enter the
        window and the buffers meanwhile, and under-sampling goes on. What a class was owed when the pause began is what
        it is owed when the pause ends: nothing is made up for the rows between. Saved with the state.
    recall : dict of int to (float or None)
        The share of each class's rows that a learner recognises, by code; empty at first, and to be set between two
        calls, by name or code. A class's ratio is multiplied by what the learner misses of it : what it misses of the
        class that it misses most of, at least 0.1; one whose recall is None, or not there, keeps its ratio. Saved with
        the state.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule.

    Notes
    -----
    The output is a function of the sequence of rows, the parameters and the rows before which `paused` and `recall`
    were set: how the sequence is cut into calls changes nothing. Not thread-safe: one thread a resampler; different
    resamplers run in parallel, as the kernels release the interpreter lock.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(1000, 2)), np.arange(1000) % 20 == 0
    >>> batch = OnlineResampler(FeatureSchema.numeric(["a", "b"]), ratio=0.5).process(X, y, np.arange(1000))
    >>> round(float(np.sum(batch.y == 1) / np.sum(batch.y == 0)), 1)
    0.5
    """

    def __init__(
        self,
        schema: FeatureSchema,
        *,
        ratio: float = 0.2,
        k_neighbors: int = 5,
        capacity: int = 10_000,
        window: int = 10_000,
        burst: int = 16,
        strategy: Strategy = "smote",
        clean: bool = False,
        undersample: float | None = None,
        quota: Quota = "exact",
        emit: Emit = "owed",
        advance: float = 0.25,
        warmup: int = 0,
        seed: int = 0,
        secret_key: SecretKey | str | None = None,
        group_size: int = 10,
        small_groups: bool = False,
        growth: float | None = None,
        class_ratio: Mapping[str, float] | None = None,
        cost: Mapping[str, float] | None = None,
    ) -> None:
        if not isinstance(schema, FeatureSchema):
            raise InvalidInputError(f"schema must be a FeatureSchema, got {type(schema).__name__}")
        self.schema = schema
        self._given = given = OnlineParameters(
            ratio=ratio,
            k_neighbors=k_neighbors,
            capacity=capacity,
            window=window,
            burst=burst,
            strategy=strategy,
            clean=clean,
            undersample=undersample,
            quota=quota,
            emit=emit,
            advance=advance,
            warmup=warmup,
            seed=seed,
            secret_key=secret_key,
            group_size=group_size,
            small_groups=small_groups,
            growth=growth,
            class_ratio=class_ratio,
            cost=cost,
        )
        for name, value in given.parameters.items():  # to be read; what counts is what was checked
            setattr(self, name, value)
        self._weights = weigh(given.strategy, given.k_neighbors, clean=given.clean)
        self._policy = given.policy(compare=len(self._weights) > 0)
        self._quotas = ClassQuotas(schema, given, MAX_CLASSES)
        self.paused = False
        place = METHODS[given.strategy].place
        self._place, self._draws = PLACES.index(place), given.draws
        units = np.where(schema.categorical_mask, 0.0, schema.scale.astype(np.float64))
        self._width = units if self._draws else units[:0]  # what a place that draws measures by
        self._grids = _pack_grids(schema)
        self._refuse()
        self._bases: list[Bases | GroupedRows] = []
        self._highest_ids = np.full(RANGES, -1, dtype=np.int64)  # of all rows that may be held, by range
        self._reached: set[int] = set()  # classes whose rows are large enough for distances to be distinguished
        self._streams: list[int] = []  # what each class's draws are keyed on
        self._encode, self._plan, self._scatter = CallSite(encode), CallSite(plan), CallSite(scatter)
        counts = (np.zeros(MAX_CLASSES, dtype=np.int64) for _ in range(6))
        self._window = Window(
            labels=next(counts),
            n_classes=np.zeros(1, dtype=np.int64),
            codes=np.zeros(given.window, dtype=np.int16),
            real=next(counts),
            credit=np.zeros(MAX_CLASSES),
            stored=next(counts),
            seen=np.zeros(1, dtype=np.int64),
            seen_real=next(counts),
            seen_synthetic=next(counts),
            seen_dropped=next(counts),
        )

    @property
    def parameters(self) -> dict[str, Any]:
        """What the output depends on beside the schema and the rows."""
        return self._given.parameters

    @property
    def recall(self) -> dict[int, float | None]:
        """A learner's recall by class code; empty where none is followed."""
        return self._quotas.recall

    @recall.setter
    def recall(self, recall: Mapping[Any, Any] | None) -> None:  # numpydoc ignore=GL08
        self._quotas.follow(recall)

    @property
    def config_hash(self) -> str:
        """The sha256 of contract and parameters: equal hashes and equal rows give equal output."""
        config = json.dumps({"schema": self.schema.hash, **to_saved(self.parameters)}, sort_keys=True)
        return hashlib.sha256(config.encode()).hexdigest()

    def process(self, X: ArrayLike, y: ArrayLike, row_ids: ArrayLike) -> MicroBatch:
        """Pass the next rows through.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite in float32, or NaN, a null, in nullable columns; categorical columns as codes.
        y : array-like of shape (n_samples,), integer
            Labels; at most 32 different ones in a resampler's life.
        row_ids : array-like of shape (n_samples,), int64
            Identities, 0 or more and distinct: what draws are keyed on and provenance refers to. Ascending ids are
            checked fastest.

        Returns
        -------
        MicroBatch
            The rows in order, those that under-sampling drops left out, each followed by the synthetic rows that it
            caused.

        Raises
        ------
        ContractError
            If `X` does not fit the schema, or a class is to be added to whose values, not all 0, have never reached
            1e-16 units of scale, so that distances vanish; nothing changes.
        InvalidInputError
            If `y` or `row_ids` are of another length or type, a label is none of the contract's classes, an id is
            negative, comes twice or is that of a row that is still held, or there are too many classes; nothing
            changes.
        """
        return self._process(X, y, row_ids)[0]

    def process_traced(self, X: ArrayLike, y: ArrayLike, row_ids: ArrayLike) -> tuple[MicroBatch, NDArray[np.int64]]:
        """Pass the next rows through, and say what each of them became.

        Parameters
        ----------
        X, y, row_ids : array-like
            See `process`.

        Returns
        -------
        batch : MicroBatch
            As `process` returns it.
        starts : ndarray of shape (n_samples + 1,), int64
            Row i became rows ``starts[i]`` to ``starts[i + 1] - 1`` of the batch: itself, unless under-sampling left it
            out, and the synthetic rows that it caused.

        Raises
        ------
        ContractError
            As `process`.
        InvalidInputError
            As `process`.
        """
        batch, position = self._process(X, y, row_ids)
        return batch, np.append(np.where(position < 0, ~position, position), len(batch))

    def _process(self, X: ArrayLike, y: ArrayLike, row_ids: ArrayLike) -> tuple[MicroBatch, NDArray[np.int64]]:
        rows = self.schema.validate_rows(X)
        n, d = rows.shape
        if self._policy.paused != self.paused:
            self._policy = self._policy._replace(paused=bool(self.paused))
        labels, ids = check_integers("y", y, n, "iub"), check_integers("row_ids", row_ids, n)
        highest_ids = self._check_ids(ids)
        codes = np.empty(n, dtype=np.int64)
        n_classes = self._encode(self._window, labels, codes)
        if n_classes < 0:
            raise InvalidInputError(
                f"y may hold at most {MAX_CLASSES} different classes, got more: is {self.schema.label.name!r} a class?"
            )
        if len(self._bases) < n_classes:
            self._check_classes(n_classes)
        self._quotas.refresh(self._window.labels[:n_classes].tolist())
        self._check_reach(rows, ids, codes, n_classes)
        self._highest_ids = highest_ids
        while len(self._bases) < n_classes:
            self._streams.append(label_key(int(self._window.labels[len(self._bases)])))
            self._bases.append(self._new_bases())

        ops = np.empty((4, 2 * n * n_classes), dtype=np.int64)
        position = np.empty(n, dtype=np.int64)
        streams = np.array(self._streams, dtype=np.int64)
        n_ops, n_out = self._plan(self._window, self._policy, self._quotas.arrays, codes, ids, streams, *ops, position)
        out = make_output(n_out, d, draws=self._draws)
        self._scatter(rows, labels, ids, position, out)
        views = tuple(op[:n_ops] for op in ops)
        for code in np.flatnonzero(np.bincount(views[0], minlength=n_classes)).tolist():
            label = int(self._window.labels[code])
            keys = code, label, self._policy.seed, streams[code], self._place, self._width
            self._bases[code].advance(rows, ids, keys, views, out)
        return MicroBatch.of(out, draws=self._draws), position

    def _check_classes(self, n_classes: int) -> None:
        """Refuse labels that are none of the contract's classes, of those that have come just now."""
        codes = self.schema.label.codes
        unknown = set(self._window.labels[len(self._bases) : n_classes].tolist()) - set(codes)
        if unknown and codes:
            self._forget_new_classes()
            raise InvalidInputError(
                f"y must hold codes of the classes of {self.schema.label.name!r}, {list(codes)}, got {min(unknown)}"
            )

    def _forget_new_classes(self) -> None:
        self._window.labels[len(self._bases) :] = 0
        self._window.n_classes[0] = len(self._bases)

    def _check_reach(
        self, X: NDArray[np.float32], ids: NDArray[np.int64], codes: NDArray[np.int64], n_classes: int
    ) -> None:
        """Refuse to make rows of a class whose distances vanish; nothing changes.

        A class that has once reached far enough is not looked at again: its rows may fade.
        """
        if len(self._reached) == n_classes:
            return
        faint: dict[int, float] = {}
        reached = set()
        for code in set(np.unique(codes).tolist()) - self._reached:
            parts = [X[codes == code]]
            if code < len(self._bases):
                parts.append(self._bases[code].held)
            found = [self._reaches(part) for part in parts]
            if any(enough for _, enough in found):
                reached.add(code)
            elif furthest := max(f for f, _ in found):
                faint[code] = furthest
        if faint:
            window = Window._make(array.copy() for array in self._window)
            streams = np.array([label_key(int(label)) for label in window.labels[:n_classes]], dtype=np.int64)
            ops = np.empty((4, 2 * len(codes) * n_classes), dtype=np.int64)
            position = np.empty(len(codes), dtype=np.int64)
            n_ops, _ = plan(window, self._policy, self._quotas.arrays, codes, ids, streams, *ops, position)
            emitting = set(ops[0, :n_ops][ops[2, :n_ops] > 0].tolist())
            for code in sorted(emitting & faint.keys()):
                label = int(self._window.labels[code])
                self._forget_new_classes()
                raise ContractError(
                    f"rows of class {label} must reach {MIN_REACH:g} units of their features' scale for distances to "
                    f"be distinguished, got {faint[code]:g} as the furthest from 0: set the features' scale to their "
                    "spread"
                )
        self._reached |= reached

    def _reaches(self, X: NDArray[np.float32]) -> tuple[float, bool]:
        return reach(X, self.schema.scale, ~self.schema.categorical_mask)

    def _check_ids(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Refuse ids that do not identify rows; return the highest that there ever was in each range."""
        if not len(ids):
            return self._highest_ids
        highest = self._highest_ids.copy()
        if follow(ids, highest):
            return highest
        if ids.min() < 0:
            raise InvalidInputError(f"row_ids must be 0 or more, got {ids.min()}")
        values, counts = np.unique(ids, return_counts=True)
        if counts.max() > 1:
            raise InvalidInputError(
                f"row_ids must be distinct, got {values[counts.argmax()]} {counts.max()} times: draws are keyed on "
                "them, so that rows of one id would cause the same synthetic rows"
            )
        for bases in self._bases:
            held = np.isin(values, bases.row_ids)
            if held.any():
                raise InvalidInputError(
                    f"row_ids must be new, got {values[held.argmax()]}, the id of a row that is held: forget it first, "
                    "or give the new row an id of its own"
                )
        return _highest(values, self._highest_ids)

    def _refuse(self) -> None:
        """Refuse now what would fail later: rows that do not fit into memory, categories that nobody has listed."""
        given = self._given
        self._new_buffer(given.capacity, given.k_neighbors)
        if not given.hardens:
            return
        for j in sorted(set(np.flatnonzero(self.schema.categorical_mask).tolist()) - listed_codes(self.schema).keys()):
            raise ContractError(
                f"feature {self.schema.names[j]!r} must list its categories under 'hardened', which draws none that "
                'fewer rows have than a group: name them in the contract, "categories": [1, 2]'
            )

    def _new_bases(self) -> Bases | GroupedRows:
        if self._given.hardens:
            given = self._given
            return GroupedRows(self.schema, given.capacity, given.k_neighbors, given.group_size, self._grids)
        given, arrival = self._given, self._given.emit != "owed"
        return Bases(self._new_buffer, given.capacity, given.k_neighbors, self._weights, self._grids, arrival=arrival)

    def _new_buffer(self, capacity: int, k_neighbors: int) -> MinorityBuffer:
        categorical, nullable = (
            np.flatnonzero(mask).tolist() for mask in (self.schema.categorical_mask, self.schema.nullable_mask)
        )
        return MinorityBuffer(
            self.schema.n_features,
            capacity,
            k_neighbors,
            categorical_features=categorical,
            nullable_features=nullable,
            scale=self.schema.scale,
            effort="effort-1",  # streams that were begun by earlier releases go on
        )

    def forget(self, row_ids: ArrayLike) -> int:
        """Delete rows from the buffers: no later synthetic row descends from them.

        Parameters
        ----------
        row_ids : array-like of int64
            Ids that are not there are passed over.

        Returns
        -------
        int
            How many rows left.

        Raises
        ------
        InvalidInputError
            If the ids are no list of integers; nothing changes.
        """
        ids = check_integers("row_ids", row_ids)
        gone = 0
        for code, bases in enumerate(self._bases):
            gone += bases.forget(ids)
            self._window.stored[code] = len(bases)
        return gone

    def stats(self) -> OnlineStats:
        """Count what came in, what was made and what is held.

        Returns
        -------
        OnlineStats
            By label, in order of first appearance.
        """
        labels = [int(label) for label in self._window.labels[: len(self._bases)]]
        return OnlineStats(
            real=dict(zip(labels, self._window.seen_real.tolist(), strict=False)),
            synthetic=dict(zip(labels, self._window.seen_synthetic.tolist(), strict=False)),
            dropped=dict(zip(labels, self._window.seen_dropped.tolist(), strict=False)),
            buffer_rows={label: len(bases) for label, bases in zip(labels, self._bases, strict=True)},
        )

    def idle_reasons(self) -> list[IdleReason]:
        """Say why no synthetic row stands behind the last row.

        Returns
        -------
        list of IdleReason
            One for all classes, or one for each but the largest. A class between two rows says in how many the next one
            falls due; one that rows are made of as fast as `burst` allows has no reason.

        Examples
        --------
        >>> resampler = OnlineResampler(FeatureSchema.numeric(["a"]))
        >>> _ = resampler.process([[1.0], [2.0]], [0, 0], [0, 1])
        >>> [(one.reason, one.label) for one in resampler.idle_reasons()]
        [('one_class', None)]
        """
        classes = dict(zip(self.schema.label.codes, map(str, self.schema.label.classes), strict=True))
        self._quotas.refresh(self._window.labels[: len(self._bases)].tolist())
        policy = self._policy._replace(paused=bool(self.paused))
        return idle_reasons(self._window, policy, self._quotas.arrays, lambda code: classes.get(code, str(code)))

    def class_targets(self) -> dict[int, float]:
        """Return what the quotas ask for behind the last row.

        Returns
        -------
        dict of int to float
            Class : largest class of the output, by class code; of all classes but the largest in the window.

        Examples
        --------
        >>> resampler = OnlineResampler(FeatureSchema.numeric(["a"]), ratio=0.5)
        >>> _ = resampler.process([[1.0], [2.0], [3.0]], [0, 0, 1], [0, 1, 2])
        >>> resampler.class_targets()
        {1: 0.5}
        """
        labels = self._window.labels[: len(self._bases)].tolist()
        self._quotas.refresh(labels)
        rows, kept = targets(self._window, self._policy, self._quotas.arrays)
        largest = int(self._window.real.argmax())
        return {label: float(rows[c]) / kept for c, label in enumerate(labels) if c != largest}

    def buffer_stats(self) -> dict[int, BufferStats]:
        """Measure the classes' buffers.

        Returns
        -------
        dict of int to BufferStats
            By label, in order of first appearance; empty under hardened, where rows have no neighbours.

        Notes
        -----
        Costs up to 200 exact searches a class. Changes nothing that comes out later, and copies no buffer.
        """
        labels = self._window.labels[: len(self._bases)].tolist()
        bases_of = zip(labels, self._bases, strict=True)
        return {label: bases.stats() for label, bases in bases_of if isinstance(bases, Bases)}

    def to_bytes(self) -> bytes:
        """Save the resampler.

        Returns
        -------
        bytes
            For `from_bytes`; versioned and checksummed.
        """
        arrays = {f"window_{name}": array for name, array in self._window._asdict().items()}
        for code, bases in enumerate(self._bases):
            arrays |= {f"{name}_{code}": array for name, array in bases.to_arrays().items()}
        if faded := sorted(code for code in self._reached if not self._reaches(self._bases[code].held)[1]):
            arrays["reached"] = np.array(faded)  # what the rows that are held do not show
        meta = {"schema": self.schema.to_dict(), **to_saved(self.parameters)}
        if self.recall:  # a state without is that of earlier releases, which refuse one that has it
            meta["recall"] = list(self.recall.items())
        nullable = bool(self.schema.nullable_mask.any())
        return dump_state("OnlineResampler", meta, arrays, nullable=nullable, paused=bool(self.paused))

    @classmethod
    def from_bytes(cls, data: bytes, secret_key: SecretKey | str | None = None) -> OnlineResampler:
        """Read back a saved resampler, which then goes on as the saved one would have.

        Parameters
        ----------
        data : bytes
            What `to_bytes` gave.
        secret_key : SecretKey or str or None
            The one that it was made with, of which the saved state has the fingerprint alone.

        Returns
        -------
        OnlineResampler
            Equal in all that can be observed.

        Raises
        ------
        InvalidInputError
            If `data` is no bytes, or the key is another one, missing, or there was none.
        CorruptStateError
            If the bytes are damaged or of another format version.
        """
        meta, arrays = load_state("OnlineResampler", data)
        schema = FeatureSchema.from_dict(meta.pop("schema"))
        recall = dict(meta.pop("recall", ()))
        key = _check_key(meta.get("secret_key"), secret_key)
        resampler = cls(schema, **from_saved(meta) | {"secret_key": key})
        saved = Window(**{name: arrays.pop(f"window_{name}") for name in Window._fields})
        if [a.shape for a in saved] != [a.shape for a in resampler._window]:
            raise CorruptStateError("saved OnlineResampler has arrays of other shapes: rebuild it by replay")
        resampler._window = saved
        resampler.paused = is_paused(data)
        resampler.recall = recall
        resampler._streams = [label_key(int(label)) for label in saved.labels[: int(saved.n_classes[0])]]
        resampler._reached = set(arrays.get("reached", np.empty(0, dtype=np.int64)).tolist())
        for code in range(len(resampler._streams)):
            bases = resampler._new_bases()
            bases.restore({name: arrays[f"{name}_{code}"] for name in bases.SAVED if f"{name}_{code}" in arrays})
            resampler._bases.append(bases)
            resampler._highest_ids = _highest(bases.row_ids, resampler._highest_ids)
        return resampler


def _highest(ids: NDArray[np.int64], highest: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the highest of `ids` and of those before in each range."""
    highest = highest.copy()
    np.maximum.at(highest, ids >> RANGE_SHIFT, ids)
    return highest


def _check_key(fingerprint: str | None, secret_key: SecretKey | str | None) -> SecretKey | None:
    """Refuse to read a saved state with another key than the one that it was made with; return the key."""
    key = SecretKey.of(secret_key)
    if fingerprint is None and key is not None:
        raise InvalidInputError(
            f"saved OnlineResampler was made without a secret key, got {key.fingerprint}: give none"
        )
    if fingerprint is not None:
        if key is None:
            raise InvalidInputError(
                f"saved OnlineResampler was made with the secret key {fingerprint}, got none: give that one, "
                "secret_key='env:NAME' or 'file:PATH'"
            )
        key.check(fingerprint, "saved OnlineResampler")
    return key


def _pack_grids(schema: FeatureSchema) -> Packed | None:
    """Lay out the grids of a contract as float32 rows keep them; None where there is none."""
    kept = [None if grid is None else replace(grid, single=True) for grid in schema.grids]
    if not any(kept):
        return None
    for name, grid in zip(schema.names, kept, strict=True):
        limits = () if grid is None else (grid.step or 0.0, *grid.bounds)
        if any(LARGEST < abs(value) < np.inf for value in limits):
            raise ContractError(f"the grid of feature {name!r} must be finite in float32, got {grid}")
    return pack(kept)
