"""`ShardFeed`: the output of one shard as a feed reads it, and the proof that nothing of it was lost unread."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, Any

from resampler.errors import ResamplerError
from stream.formats import decode_output
from stream.redis.connection import open_client, raw_command
from stream.redis.entryid import id_pair
from stream.redis.patience import PATIENCE_S, patiently
from stream.shard.checkpoint import Checkpoint
from stream.shard.commit import GapError
from stream.shard.feedplace import FIRST_PLACE, FeedPlace
from stream.shard.outputstate import OutputState, look_at_output
from stream.shard.report import write_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import redis

    from resampler.provenance import MicroBatch
    from resampler.schema import FeatureSchema
    from stream.redis.keys import ShardKeys

logger = logging.getLogger(__name__)

PAGE = 64  # output entries read at once
COUNT_PAGE = 500  # and counted at once
CHECK_S = 1.0  # how often an output is looked at that brings nothing

Entry = tuple[bytes, list[bytes]]


class ShardFeed:
    """Read the output of one shard, in order, from a place on.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    name : str
        Who consumes.
    url : str
        The server's, for connecting again.
    cursor : str, optional
        Begin behind this output entry ID; by default where `name` has committed.
    allow_gap : bool
        Go on, with a warning, where output was lost unread.

    Raises
    ------
    InvalidInputError
        If the cursor is not an entry ID.
    ResamplerError
        If the server does not answer or refuses.

    Notes
    -----
    Trimming takes entries from the front: while the entry at the place is there, or is the newest ever written, nothing
    behind it was trimmed. XDEL leaves the highest ID that it took out. Where neither proves that all is there, rows are
    counted: those ever written are those up to the place and those behind it. This is asked after each read, for
    whoever trims may do so in between.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: ShardKeys,
        name: str,
        url: str,
        cursor: str | None = None,
        *,
        allow_gap: bool = False,
    ) -> None:
        self.keys = keys
        self._client = client
        self._name = name
        self._url = url
        self._allow_gap = allow_gap
        self._schema: FeatureSchema | None = None
        self.undersample: float | None = None  # of the stream, known with its contract
        self._stored: bytes | None = self._patiently(lambda: self._client.hget(keys.feeds, name))
        self._committed = FeedPlace.parse(self._stored)
        self.place = self._committed if cursor is None else _place_at(cursor, self._committed)
        # Whoever begins takes what there is: what was trimmed before it came is no loss.
        self._begins = cursor is None and self.place == FeedPlace()
        self._caught_up = False
        self._last_look = -math.inf
        self._ahead_since: float | None = None  # when the output was found to end before the place
        self._ahead_allowed = False
        self._deleted_id = FIRST_PLACE  # of what was deleted up to this, it is known whether rows were lost

    def read(self, block_ms: int) -> Iterator[MicroBatch]:
        """Hand out what is there; `place` follows each batch.

        Parameters
        ----------
        block_ms : int
            Wait this long for the first entry; 0 does not wait.

        Yields
        ------
        MicroBatch
            One for each entry, `PAGE` of them at most.

        Raises
        ------
        GapError
            If output was trimmed or deleted before it was read, unless that is allowed.
        ResamplerError
            If the server does not answer or refuses, or the stream's checkpoint is gone.
        """
        block = ("BLOCK", block_ms) if block_ms else ()
        command = ("XREAD", "COUNT", PAGE, *block, "STREAMS", self.keys.output)
        reply = self._patiently(lambda: raw_command(self._client, *command, self.place.cursor))
        page: list[Entry] = reply[0][1] if reply else []
        self._examine(page)
        for entry_id, items in page:
            batch = self._decode(items)
            self.place = self.place._replace(cursor=entry_id.decode(), rows=self.place.rows + len(batch))
            yield batch

    def finish(self) -> None:
        """Look a last time before the iteration ends for want of output.

        Raises
        ------
        GapError
            If output was trimmed or deleted before it was read, or ends before the feed's place, unless that is
            allowed.
        """
        self._last_look = -math.inf
        self._examine([])
        if self._ahead_since is not None:
            raise self._ahead_error(self._look())

    def commit(self) -> None:
        """Store `place` if it has moved.

        Raises
        ------
        ResamplerError
            If the server does not answer or refuses.
        """
        if self.place != self._committed:
            value = self.place.dump()
            self._patiently(lambda: self._client.hset(self.keys.feeds, self._name, value))
            self._committed, self._stored = self.place, value.encode()

    def stored(self) -> Checkpoint:
        """Read the stream's checkpoint.

        Returns
        -------
        Checkpoint
            As the last commit has left it.

        Raises
        ------
        ResamplerError
            If there is none, or the server does not answer or refuses.
        """
        stored = self._patiently(lambda: Checkpoint.load(self._client, self.keys))
        if stored is None:
            raise ResamplerError(f"no worker has begun stream {self.keys.input!r} yet: start `resampler stream run`")
        return stored

    def report_recall(self, recall: Mapping[int, float | None], model: str) -> None:
        """Leave a report for the shard's owner.

        Parameters
        ----------
        recall : mapping of int to (float or None)
            What `stream.shard.report.check_report` gave.
        model : str
            Which model.
        """
        self._patiently(lambda: write_report(self._client, self.keys, recall, model))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    # -- what was lost

    def _examine(self, page: list[Entry]) -> None:
        """Find out whether anything between the place and the page, or of the page, was lost."""
        if not page and self._caught_up and time.monotonic() - self._last_look < CHECK_S:
            return
        state = self._look()
        self._last_look = time.monotonic()
        if self._begins:
            self._begin(state, page)
            return
        if state.ends_before(self.place):
            self._wait_behind(state, page)
            return
        self._ahead_since = None
        if self._ahead_allowed and page:
            self._ahead_allowed = False
        elif not state.is_intact(self.place) or self._has_deleted(state, page):
            self._count(state, page)
        elif not page and not state.next_id:
            self._catch_up(state)

    def _begin(self, state: OutputState, page: list[Entry]) -> None:
        if page:
            self._begins = False
            self.place = self.place._replace(counted=state.added == state.length)  # or some rows were gone already
        elif not state.next_id:
            self._begins = False
            self._caught_up = True
            self.place = FeedPlace(state.last_id, state.emitted)

    def _wait_behind(self, state: OutputState, page: list[Entry]) -> None:
        """Give a server that lost its latest writes time to be given them again, with the same IDs and bytes."""
        now = time.monotonic()
        if self._allow_gap:
            if not self._ahead_allowed:
                logger.warning("%s", self._ahead_error(state))
                self._ahead_allowed = True
            self.place = FeedPlace(self.place.cursor, 0, counted=False)
            return
        # A server that holds our place has not lost what was written before it.
        holds = self._stored is not None and self._committed.cursor == self.place.cursor
        if holds and self._patiently(lambda: self._client.hget(self.keys.feeds, self._name)) == self._stored:
            raise self._ahead_error(state)
        self._ahead_since = self._ahead_since or now
        if page or now - self._ahead_since >= PATIENCE_S:
            raise self._ahead_error(state)

    def _ahead_error(self, state: OutputState) -> GapError:
        place = f"place {self.place.cursor} of feed {self._name!r}"
        if not state.begun and state.last_id == FIRST_PLACE:
            return self._replaced(f"{self.keys.output!r} is not there and no worker has begun the stream")
        if id_pair(state.last_id) < id_pair(self.place.cursor):
            return self._replaced(
                f"{self.keys.output!r} ends at {state.last_id}, before the {place}; {state.emitted} rows were written"
            )
        return self._replaced(
            f"{state.emitted} rows were ever written to {self.keys.output!r}, and {self.place.rows} stand before the "
            f"{place}"
        )

    def _replaced(self, found: str) -> GapError:
        return GapError(
            f"{found}: the output was deleted, renamed, put back or begun anew, and what stood behind the place is "
            "lost; restore it, begin with a feed of another name, or pass allow_gap=True to take what comes behind the "
            "place"
        )

    def _has_deleted(self, state: OutputState, page: list[Entry]) -> bool:
        """Say whether an entry behind the place was deleted that the page does not hold."""
        if id_pair(state.deleted_id) <= max(id_pair(self.place.cursor), id_pair(self._deleted_id)):
            return False
        return state.deleted_id.encode() not in {entry_id for entry_id, _ in page}

    def _count(self, state: OutputState, page: list[Entry]) -> None:
        """Count the rows that are there; what is missing of those ever written is lost."""
        last = page[-1][0].decode() if page else self.place.cursor
        there = sum(len(self._decode(items)) for _, items in page) + self._rows_between(last, state.last_id)
        missing = state.emitted - self.place.rows - there
        # A place has rows before it, or it is no place of this output.
        if missing < 0 or (missing == self.place.rows == 0 and not state.at_place and self.place.cursor != FIRST_PLACE):
            error = self._replaced(
                f"{state.emitted} rows were ever written to {self.keys.output!r}, {there} of them stand behind "
                f"{self.place.cursor}, the place of feed {self._name!r}, and that leaves no room for what it has read"
            )
            if not self._allow_gap:
                raise error
            logger.warning("%s", error)
            self.place = FeedPlace(self.place.cursor, state.emitted - there)
        elif missing == 0:
            self.place = self.place._replace(counted=True)
        elif self.place.counted:
            self._lose(missing)
        else:
            deleted = self._has_deleted(state, page) and state.at_place
            proof = f"entry {state.deleted_id} was deleted unread" if deleted else f"entry {self.place.cursor} is gone"
            unknown = "how many is not known, as it is not known how many rows stand before that place"
            self._report(f"up to {missing}", f" ({proof}; {unknown})")
        self._deleted_id = max(self._deleted_id, state.deleted_id, key=id_pair)
        if not page and not state.next_id:
            self.place = FeedPlace(state.last_id, state.emitted)

    def _catch_up(self, state: OutputState) -> None:
        """Having read all there is, take the number of rows ever written for the feed's.

        What was gone before this consumer came is so counted as consumed: otherwise back-pressure would wait for rows
        that nobody can read any more.
        """
        missing = state.emitted - self.place.rows
        if missing and self._caught_up and self.place.counted:
            self._lose(missing)
            return
        self._caught_up = True
        if missing or not self.place.counted:
            self.place = FeedPlace(self.place.cursor, state.emitted)
            if self._stored is not None and self._committed.cursor == self.place.cursor:
                self.commit()

    def _lose(self, rows: int) -> None:
        self._report(str(rows))
        self.place = self.place._replace(rows=self.place.rows + rows)

    def _report(self, number: str, proof: str = "") -> None:
        loss = (
            f"{number} rows of {self.keys.output!r} behind {self.place.cursor} were trimmed or deleted before feed "
            f"{self._name!r} read them{proof}"
        )
        if not self._allow_gap:
            raise GapError(
                f"{loss}: restore them, or pass allow_gap=True to go on without them; `resampler stream trim` trims "
                "and keeps what a feed has not committed"
            )
        logger.warning("%s", loss)

    # -- the server

    def _rows_between(self, start: str, stop: str) -> int:
        rows = 0
        while page := self._page(start, stop):
            rows += sum(len(self._decode(items)) for _, items in page)
            start = page[-1][0].decode()
        return rows

    def _page(self, start: str, stop: str) -> list[Entry]:
        command = ("XRANGE", self.keys.output, f"({start}", stop, "COUNT", COUNT_PAGE)
        return self._patiently(lambda: raw_command(self._client, *command))

    def _look(self) -> OutputState:
        return self._patiently(lambda: look_at_output(self._client, self.keys, self.place.cursor))

    def _patiently(self, call: Callable[[], Any]) -> Any:
        return patiently(call, self._url, self._reconnect)

    def _reconnect(self) -> None:
        self._client.close()
        self._client = open_client(self._url, self.keys.input)

    def _decode(self, items: list[bytes]) -> MicroBatch:
        return decode_output(dict(zip(items[::2], items[1::2], strict=True)), self._contract())

    def _contract(self) -> FeatureSchema:
        if self._schema is None:
            stored = self._patiently(lambda: Checkpoint.load(self._client, self.keys))
            if stored is None:
                raise ResamplerError(f"{self.keys.checkpoint!r} is gone: the contract of the output is unknown")
            self._schema = stored.schema
            self.undersample = stored.parameters.get("undersample")
        return self._schema


def _place_at(cursor: str, committed: FeedPlace) -> FeedPlace:
    """Make the place of a cursor that the consumer has kept itself: rows are known only where it has committed."""
    given, known = id_pair(cursor), id_pair(committed.cursor)
    if given == known:
        return committed
    if given == (0, 0):
        return FeedPlace()
    # Behind what was committed there stand at least as many rows; before it nobody knows.
    return FeedPlace(f"{given[0]}-{given[1]}", committed.rows if given > known else 0, counted=False)
