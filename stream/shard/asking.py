"""`Asking`: what somebody asks of a shard, looked for now and then, and carried out where the shard's cursor stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic

from stream.shard.changes import ChangeT

if TYPE_CHECKING:
    from stream.shard.context import ShardContext
    from stream.shard.writing import Writer


class Asking(ABC, Generic[ChangeT]):
    """Carry out what is asked of a shard that this worker owns.

    Parameters
    ----------
    context : ShardContext
        The shard.
    writer : Writer
        Has its resampler and its checkpoint.
    """

    EVERY_S: ClassVar[float]  # how often is looked

    def __init__(self, context: ShardContext, writer: Writer) -> None:
        self._context = context
        self._writer = writer
        self._next = context.clock()

    def look_if_due(self) -> None:
        """Look unless that was done a short while ago, and make the change that is asked for.

        A change is a commit of its own, from the cursor to the cursor, with a saved state: rows before it are resampled
        as before, and no replay has to cross it. A worker that dies before that commit has changed nothing.
        """
        context, writer = self._context, self._writer
        if context.clock() < self._next:
            return
        self._next = context.clock() + self.EVERY_S
        if (wanted := self._wanted()) is not None:
            self._changed(writer.write_change(wanted))

    @abstractmethod
    def _wanted(self) -> ChangeT | None:
        """Return the change that is due, at no cursor yet; None if all is as it is asked for."""

    @abstractmethod
    def _changed(self, change: ChangeT) -> None:
        """Say what was done."""
