"""Resample a table again and again, and be killed at one stage after another; run by `test_faults`.

Prints a line for each: the stage, which tasks were done before and after, and the digest.
"""

import json
import os
import signal
import sys
from pathlib import Path

from resampler.engines import inline
from resampler.engines.task import run_task
from resampler.partitioned import inputs, run
from resampler.samplers import SMOTENC

STAGES = (
    "survey/00001",
    "extract/00000",
    "encode/00000",
    "matrix",
    "search",
    "synthetic/00000",
    "real/00001",
    "publish",
)
DATA, OUT = Path(sys.argv[1]), Path(sys.argv[2])
plainly = run.publish
inputs.UNIT_ROWS = 200  # two units


def killing(stage, log):
    """Make what runs a task, and dies before the first one of a stage."""

    def one(workplace, task):
        if task.name.startswith(stage):
            os.kill(os.getpid(), signal.SIGKILL)
        run_task(workplace, task)
        with log.open("a") as file:
            print(task.name, file=file)

    def publish(*given):
        if stage == "publish":
            os.kill(os.getpid(), signal.SIGKILL)
        return plainly(*given)

    return one, publish


def begin(stage, out, log):
    """Resample in a child, and wait for its end."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    inline.run_task, run.publish = killing(stage, log)
    done = run.resample(DATA, SMOTENC(["city"], random_state=1), label="y", out=out, engine="inline")
    out.with_suffix(".digest").write_text(json.dumps(done.digest))
    os._exit(0)


for at, stage in enumerate(STAGES):
    out, first, second = OUT / f"{at}", OUT / f"{at}.first", OUT / f"{at}.second"
    first.touch()
    killed = os.WIFSIGNALED(begin(stage, out, first))
    there = out.exists()
    ended = begin("none", out, second)
    left = [one.name for one in OUT.iterdir() if one.name.startswith(f"{at}.unfinished")]
    print(
        json.dumps(
            {
                "stage": stage,
                "killed": killed,
                "published": there,
                "ended": ended,
                "before": first.read_text().split(),
                "after": second.read_text().split() if second.exists() else [],
                "left": left,
                "digest": json.loads(out.with_suffix(".digest").read_text()),
            }
        )
    )
