"""Items of the checklist about a stream and its server: what the entry point `resampler.doctor` names."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import redis

from resampler.doctor.item import FAIL, PASS, UNKNOWN, Answer, Item
from resampler.printing import plural
from stream.maintenance import server_of, windows_of
from stream.redis.connection import connect, server_ms
from stream.redis.durability import KEEPS_ALL, append_only, eviction_policy
from stream.redis.errors import explain
from stream.redis.keys import workers_key
from stream.shard.position import input_info
from stream.shard.probe import clock_skew_s
from stream.sharding import open_stream, stored_shards
from stream.worker.membership import ALIVE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resampler.doctor.item import Asked
    from stream.redis.keys import ShardKeys

MOST_SKEW_S = 1.0  # leases last a few seconds
LONG = 100_000  # entries of a stream that nothing was ever trimmed of
NOT_PERMITTED = "the user may not ask: permit INFO"
Shards = list[tuple[redis.Redis, "ShardKeys"]]


@contextmanager
def _shards(asked: Asked) -> Iterator[Shards]:
    name, url = str(asked.stream), server_of(asked.url)
    try:
        with ExitStack() as stack:
            shards = open_stream(url, name, stored_shards(url, name))
            for client, _ in shards:
                stack.enter_context(client)
            yield shards
    except redis.RedisError as error:
        raise explain(error, url) from error


def _each(look: Callable[[Shards], Answer]) -> Callable[[Asked], Answer]:
    """Make a question of what looks at shards."""

    def ask(asked: Asked) -> Answer:
        with _shards(asked) as shards:
            return look(shards)

    return ask


def _persists(shards: Shards) -> Answer:
    found = [append_only(client) for client, _ in shards]
    if None in found:
        return Answer(UNKNOWN, NOT_PERMITTED)
    if not all(found):
        return Answer(
            FAIL, "appendonly is off: what was committed since the last dump is lost when the server is killed"
        )
    return Answer(PASS, "appendonly is on")


def _evicts_nothing(shards: Shards) -> Answer:
    found = {eviction_policy(client) for client, _ in shards}
    if None in found:
        return Answer(UNKNOWN, NOT_PERMITTED)
    if others := sorted(str(policy) for policy in found - {KEEPS_ALL}):
        return Answer(FAIL, f"maxmemory-policy {', '.join(others)} deletes keys when memory is full")
    return Answer(PASS, f"maxmemory-policy {KEEPS_ALL}")


def _clock(shards: Shards) -> Answer:
    worst = max((clock_skew_s(client) for client, _ in shards), key=abs)
    verdict = PASS if abs(worst) <= MOST_SKEW_S else FAIL
    return Answer(verdict, f"this machine's clock is {worst:+.3f} s from the server's, of at most {MOST_SKEW_S:g}")


def _trimmed(shards: Shards) -> Answer:
    long = []
    for client, keys in shards:
        for key in (keys.input, keys.output):
            info = input_info(client, key)
            if info.length > LONG and info.entries_added == info.length:
                long.append(f"{key} ({info.length:,} entries)")
    if long:
        return Answer(FAIL, f"never trimmed: {', '.join(long)}")
    return Answer(PASS, f"no stream of more than {LONG:,} entries that was never trimmed")


def _owned(asked: Asked) -> Answer:
    with _shards(asked) as shards:
        free = [keys.input for client, keys in shards if not client.exists(keys.lease)]
    url, key = server_of(asked.url), workers_key(str(asked.stream))
    try:
        with connect(url, key) as client:
            now = server_ms(client) / 1000
            alive = int(client.zcount(key, now - ALIVE_S, now))
    except redis.RedisError as error:
        raise explain(error, url, keys=(key,)) from error
    if not alive:
        return Answer(FAIL, "no worker is alive")
    if free:
        return Answer(FAIL, f"{plural(alive, 'worker')} alive, and no owner of {', '.join(free)}")
    return Answer(PASS, f"{plural(alive, 'worker')} alive, {plural(len(shards), 'shard')} owned")


def _no_window(asked: Asked) -> Answer:
    window = windows_of(str(asked.stream), asked.url).current(time.time())
    if window is None:
        return Answer(PASS, "no window of maintenance is open")
    return Answer(FAIL, f"alerts are silent until {window.until}, says {window.who}")


ITEMS = (
    Item(
        "server-persists",
        "production",
        "Does the stream's server write down what it has acknowledged?",
        "Set `appendonly yes`, and `appendfsync always` where not two seconds may be lost.",
        ("stream",),
        _each(_persists),
    ),
    Item(
        "server-keeps-keys",
        "production",
        "Does the stream's server throw no key away when its memory is full?",
        f"Set `maxmemory-policy {KEEPS_ALL}`.",
        ("stream",),
        _each(_evicts_nothing),
    ),
    Item(
        "clocks-agree",
        "production",
        "Do this machine and the stream's server agree on the time?",
        "Run a time service on both, such as chrony.",
        ("stream",),
        _each(_clock),
    ),
    Item(
        "workers-alive",
        "production",
        "Are workers alive, and has each shard an owner?",
        "Start `resampler stream run`; the runbooks ResamplerWorkerDown and ResamplerShardUnowned say more.",
        ("stream",),
        _owned,
    ),
    Item(
        "streams-trimmed",
        "production",
        "Is what every reader has seen trimmed away?",
        "Run `resampler stream trim` from a scheduler.",
        ("stream",),
        _each(_trimmed),
    ),
    Item(
        "no-stream-maintenance",
        "production",
        "Is no window of maintenance of the stream open?",
        "`resampler maintenance off --stream NAME`, or wait for its end.",
        ("stream",),
        _no_window,
    ),
)
