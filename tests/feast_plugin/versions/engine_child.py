"""What the tests of engines kill: a run in a process of its own."""

from __future__ import annotations

import os
import signal
import sys

from feast_plugin import create_snapshot
from feast_plugin.versions import create
from resampler.engines import task
from resampler.engines.inline import Inline


def die_at(stage: str, *, before: bool) -> None:
    """kill -9 as a task whose name begins so is to be done, or was."""
    genuine = task.run_task

    def deadly(workplace, one):
        here = f"{workplace}/{one.name}".rpartition("/tasks/")[2].startswith(stage)
        if here and before:
            os.kill(os.getpid(), signal.SIGKILL)
        genuine(workplace, one)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)

    from resampler.engines import inline, workplace

    inline.run_task = workplace.run_task = deadly


if __name__ == "__main__":
    root, table, stage, when = sys.argv[1:]
    create.open_engine = Inline  # tasks of an engine, in this process
    die_at(stage, before=when == "before")
    keys = {"join_keys": ["id"], "timestamp": "at"}
    options = {"clean": "tomek", "engine": "processes", "resume": "latest"}
    create_snapshot(root, name="pay", entity_df=table, label="y", ratio=0.5, **keys, **options)
