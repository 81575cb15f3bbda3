"""Kill -9, with the real server and the real command: the output must be that of one uninterrupted run."""

import random
import time

from stream.redis.keys import ShardKeys
from stream.shard.checkpoint import Checkpoint

ROWS = 6_000


def _arguments(name):
    return (
        "run --label label --features a,b,c --ratio 0.5 --seed 1 --until-idle 0.3 --metrics-port 0 "
        f"--snapshot-rows 900 --linger-ms 20 --stream {name}"
    ).split()


def test_killed_workers_change_no_byte(client, name, make_rows, add_text, start_cli, read_raw):
    X, y = make_rows(ROWS)
    add_text(client, f"{name}-once", X, y)
    assert start_cli(*_arguments(f"{name}-once")).wait() == 0

    rng = random.Random(4)
    killed = f"{name}-killed"
    for stop in range(1_000, ROWS + 1, 1_000):
        add_text(client, killed, X[stop - 1_000 : stop], y[stop - 1_000 : stop], first=stop - 999)
        process = start_cli(*_arguments(killed))
        target = stop - rng.randrange(100, 900)
        while process.poll() is None:
            stored = Checkpoint.load(client, ShardKeys(killed))
            if stored and stored.rows >= target:
                break
            time.sleep(0.001)
        process.kill()
        process.wait()
    assert start_cli(*_arguments(killed)).wait() == 0
    assert read_raw(client, killed) == read_raw(client, f"{name}-once")
    assert Checkpoint.load(client, ShardKeys(killed)).rows == ROWS
