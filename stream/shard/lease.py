"""`Lease`: who may write a shard. The epoch in the checkpoint fences; the key that expires only says when to try."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from stream.scripts import load_script

if TYPE_CHECKING:
    import redis

    from stream.redis.keys import ShardKeys

DEFAULT_TTL_MS = 5_000


class Lease:
    """Ownership of one shard.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    owner : str
        What `owner_name` gives.
    ttl_ms : int
        After this long without a sign of life another worker may take the shard.
    """

    def __init__(self, client: redis.Redis, keys: ShardKeys, owner: str, ttl_ms: int = DEFAULT_TTL_MS) -> None:
        self.owner = owner
        self.ttl_ms = ttl_ms
        self.holder = ""
        self._keys = keys
        self._client = client
        self._acquire = load_script(client, "acquire")
        self._renew = load_script(client, "renew")
        self._release = load_script(client, "release")
        self._acquiring = threading.Lock()
        self._ended = False

    def acquire(self) -> bool:
        """Take the lease if it is free, ours, or that of a process of this machine that has died.

        Returns
        -------
        bool
            Whether it is ours now; then `holder` names the new epoch and every earlier owner is fenced.
        """
        with self._acquiring:
            return not self._ended and self._take()

    def _take(self) -> bool:
        found = self._client.get(self._keys.lease)
        dead = found if isinstance(found, bytes) and is_dead(found.decode(errors="replace")) else b""
        taken, holder = self._acquire(
            keys=[self._keys.lease, self._keys.checkpoint], args=[self.owner, self.ttl_ms, dead]
        )
        self.holder = holder.decode() if taken else ""
        return bool(taken)

    def is_free(self) -> bool:
        """Say whether no other worker has the lease.

        Returns
        -------
        bool
            True also where it is ours, or its owner is a process of this machine that has died.
        """
        found: bytes | None = self._client.get(self._keys.lease)  # type: ignore[assignment]
        if found is None:
            return True
        owner = found.decode(errors="replace")
        return owner == self.owner or is_dead(owner)

    def renew(self) -> bool:
        """Extend the lease; another thread than that of `acquire` may ask.

        Returns
        -------
        bool
            False if another worker has taken the shard, or the lease was given back.
        """
        keys = [self._keys.lease, self._keys.checkpoint]
        return bool(self._renew(keys=keys, args=[self.owner, self.ttl_ms, self.holder]))

    def release(self) -> None:
        """Give the lease back, so that another worker need not wait for its expiry; nothing is committed under it."""
        self._release(keys=[self._keys.lease, self._keys.checkpoint], args=[self.owner, self.holder])

    def end(self) -> None:
        """Give the lease back for good, from another thread than that of `acquire`, which takes it no more."""
        with self._acquiring:  # one that is on its way has a holder first, who can be taken out
            self._ended = True
        self.release()


def owner_name() -> str:
    """Name this process, so that a later one on this machine can find out whether it still lives.

    Returns
    -------
    str
        ``host:machine boot and pid namespace:pid:start time:random``, unique.
    """
    return ":".join(
        (socket.gethostname(), _namespace(), str(os.getpid()), _start_time(os.getpid()) or "0", uuid.uuid4().hex[:12])
    )


def is_dead(owner: str) -> bool:
    """Say whether the owner is known to have died.

    Parameters
    ----------
    owner : str
        What `owner_name` gave.

    Returns
    -------
    bool
        True only for a process of this boot and pid namespace that is gone. A wrong answer costs a change of
        owner and nothing else, as the epoch fences.
    """
    parts = owner.split(":")
    if len(parts) != 5 or not _namespace() or parts[1] != _namespace():
        return False
    return _start_time(int(parts[2])) != parts[3] if parts[2].isdigit() else False


def _namespace() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
        return f"{boot}-{Path('/proc/self/ns/pid').readlink().name.strip('pid:[]')}"
    except OSError:  # no procfs: nobody's death can be seen
        return ""


def _start_time(pid: int) -> str | None:
    """Return the process's start in clock ticks since boot, None if it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]
