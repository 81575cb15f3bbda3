"""`Changes`: what a shard's owner has changed in its resampler, at which cursors, so that replays do it again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from stream.redis.entryid import id_pair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from resampler.online import OnlineResampler

KEPT = 1_000  # of each kind: every change writes them all


class Switch(NamedTuple):
    """A pause began, or ended.

    Parameters
    ----------
    cursor : str
        ID of the last entry before it: what follows makes no synthetic row, or makes them again.
    paused : bool
        Whether a pause began; else it ended.
    at : str
        When, by the worker's clock: ISO 8601, UTC.
    reason : str
        Why it was paused, in the words of whoever asked; empty if nobody said, and where a pause ended.
    """

    cursor: str
    paused: bool
    at: str
    reason: str = ""

    def apply(self, resampler: OnlineResampler) -> None:
        """Let it take effect.

        Parameters
        ----------
        resampler : OnlineResampler
            Behind the rows up to the cursor.
        """
        resampler.paused = self.paused


class Feedback(NamedTuple):
    """Quotas began to follow another recall of a learner, or none.

    Parameters
    ----------
    cursor : str
        ID of the last entry before it: what follows is weighed by `recall`.
    recall : dict of int to (float or None)
        By class code; empty where no learner is followed from here on.
    at : str
        When, by the worker's clock: ISO 8601, UTC.
    reported_ms : int
        When the recall was reported, Unix time by the server's clock, in milliseconds.
    model : str
        Whose recall it is, in the words of whoever reported it; where none is followed, why.
    """

    cursor: str
    recall: dict[int, float | None]
    at: str
    reported_ms: int
    model: str = ""

    def apply(self, resampler: OnlineResampler) -> None:
        """Let it take effect.

        Parameters
        ----------
        resampler : OnlineResampler
            Behind the rows up to the cursor.
        """
        resampler.recall = self.recall


Change = Switch | Feedback
ChangeT = TypeVar("ChangeT", Switch, Feedback)


@dataclass(slots=True)
class Changes:
    """The changes of one shard, each kind in order, as its checkpoint keeps them.

    Parameters
    ----------
    switches : list of Switch
        Where it was paused and went on.
    feedback : list of Feedback
        Where it began to follow another recall.
    lost : str
        Cursor of the newest change that is kept no longer, so that no replay from there or before is that of the rows
        that were written; empty while there is none.
    """

    switches: list[Switch] = field(default_factory=list)
    feedback: list[Feedback] = field(default_factory=list)
    lost: str = ""

    @classmethod
    def parse(cls, fields: Mapping[bytes, bytes]) -> Changes:
        """Read what `keep` returned.

        Parameters
        ----------
        fields : mapping of bytes to bytes
            The checkpoint's; a shard that was never changed has none of ours.

        Returns
        -------
        Changes
            All that are kept.

        Raises
        ------
        ValueError
            If a field holds something else.
        """
        return cls(
            _parse(Switch, fields.get(b"pauses", b"[]")),
            _parse(Feedback, fields.get(b"feedback", b"[]")),
            fields.get(b"changes_lost", b"").decode(),
        )

    @property
    def paused(self) -> bool:
        """Whether the shard is paused."""
        return bool(self.switches) and self.switches[-1].paused

    @property
    def followed(self) -> Feedback | None:
        """What the quotas follow; None where they never followed a learner."""
        return self.feedback[-1] if self.feedback else None

    def all(self) -> list[Change]:
        """Return the changes of all kinds; those of one kind are in order.

        Returns
        -------
        list of Change
            All that are kept.
        """
        return [*self.switches, *self.feedback]

    def keep(self, change: Change) -> dict[str, bytes | str | int]:
        """Take in the newest change.

        The saved state that is written with a change spares replays all that were before: they are kept for a replay
        from the beginning, where a saved state is damaged and its input is still there, `KEPT` of each kind.

        Parameters
        ----------
        change : Change
            At the shard's cursor.

        Returns
        -------
        dict
            The checkpoint's fields that change.
        """
        name, kept = ("pauses", self.switches) if isinstance(change, Switch) else ("feedback", self.feedback)
        kept.append(change)  # type: ignore[arg-type]
        found: dict[str, bytes | str | int] = {}
        if gone := kept[:-KEPT]:
            del kept[:-KEPT]
            missed = [one.cursor for one in gone if one.cursor != kept[0].cursor]  # of those at one the last counts
            if missed:
                found["changes_lost"] = self.lost = max(self.lost or "0-0", missed[-1], key=id_pair)
        return {name: _dump(kept)} | found


def _dump(changes: Sequence[Change]) -> str:
    """Write changes of one kind as JSON; a mapping is a list of pairs, as its keys are numbers."""
    found = [
        {name: list(value.items()) if isinstance(value, dict) else value for name, value in change._asdict().items()}
        for change in changes
    ]
    return json.dumps(found, separators=(",", ":"))


def _parse(kind: type[ChangeT], text: bytes) -> list[ChangeT]:
    """Read what `_dump` wrote; what later releases may say beside is passed over."""
    found: list[dict[str, Any]] = json.loads(text)
    try:
        changes = [kind(**{name: one[name] for name in kind._fields}) for one in found]
        return [one._replace(recall=dict(one.recall)) if isinstance(one, Feedback) else one for one in changes]
    except (TypeError, KeyError) as error:
        raise ValueError(f"no list of {kind.__name__}: {error}") from error
