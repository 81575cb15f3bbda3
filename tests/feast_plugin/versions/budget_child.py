"""What the tests of budgets kill: a run in a process of its own."""

from __future__ import annotations

import os
import signal
import sys

import pyarrow.parquet as pq

from feast_plugin import create_snapshot
from feast_plugin.versions.files.kept_parts import KeptParts


def die_at(call: int, *, after: bool) -> None:
    """kill -9 where a part is noted as finished, before or behind that."""
    genuine, calls = KeptParts._finish, [0]

    def deadly(self, name, said):
        calls[0] += 1
        if calls[0] == call and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        genuine(self, name, said)
        if calls[0] == call:
            os.kill(os.getpid(), signal.SIGKILL)

    KeptParts._finish = deadly


if __name__ == "__main__":
    root, table, call, after = sys.argv[1:]
    die_at(int(call), after=after == "after")
    keys = {"join_keys": ["id"], "timestamp": "at"}
    create_snapshot(root, name="pay", entity_df=table, label="y", ratio=0.5, **keys, resume="latest")
    assert pq.read_metadata(table).num_rows
