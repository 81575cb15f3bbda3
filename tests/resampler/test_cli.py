import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from resampler import cli
from resampler.errors import DataError

RESAMPLER = str(Path(sys.executable).with_name("resampler"))


def run(*arguments, cwd=None, **env):
    return subprocess.run(
        [RESAMPLER, *arguments], cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


def test_help_lists_the_subcommands_found_by_entry_point():
    done = run("--help")
    assert done.returncode == 0
    for name in ("advise", "demo", "snapshot", "stream", "warmup"):
        assert name in done.stdout


def test_every_command_is_listed_with_a_whole_sentence():
    def listed(group, context):
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            yield context.command_path, name
            if isinstance(command, click.Group):
                yield from listed(command, click.Context(command, context, name))

    groups = {}
    for path, name in listed(cli.resampler, click.Context(cli.resampler, info_name="resampler")):
        groups.setdefault(path, []).append(name)
    assert {"resampler", "resampler maintenance", "resampler snapshot", "resampler stream"} <= set(groups)
    for path in groups:
        done = CliRunner().invoke(cli.resampler, [*path.split()[1:], "--help"])
        commands = done.stdout.partition("Commands:")[2]
        assert commands
        assert "..." not in commands, path


def test_wrong_usage_is_one_line_and_exit_code_2(tmp_path):
    (tmp_path / "broken.toml").write_text("[stream\n")
    (tmp_path / "latin.toml").write_bytes(b"\xff\xfe\x00")
    for arguments, message in (
        (["nonsense"], "No such command 'nonsense'"),
        (["warmup", "--nonsense"], "No such option"),
        (["--config", "missing.toml", "warmup"], "cannot be read: No such file"),
        (["--config", "broken.toml", "warmup"], "'broken.toml' is not TOML"),
        (["--config", "latin.toml", "warmup"], "'latin.toml' is not TOML"),
    ):
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 2, arguments
        assert message in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


LONG_LIFE = """
import numpy as np
from resampler import FeatureSchema, MinorityBuffer, OnlineResampler

rng = np.random.default_rng(0)
n = 6_000
X, ids = rng.normal(size=(n, 3)), np.arange(n)
X[:, 2] = rng.integers(0, 3, n)
for options in ({}, {"categorical_features": [2]}, {"max_age": 3_000}, {"half_life": 50.0}, {"metric": "cosine"}):
    buffer = MinorityBuffer(3, 2_500, index="graph", **options)
    for first in range(0, n, 1_000):
        part = slice(first, first + 1_000)
        times = (ids[part],) if buffer.max_age else ()
        buffer.insert(X[part], ids[part], *times, n_threads=1 + first // 1_000 % 2)
        buffer.sample(200, seed=first)
    buffer.discard(ids[-40:])
    buffer.evict(2_000)
    buffer.sample(2_000, seed=1)
    buffer.kneighbors(X[:5], 3)
    buffer.stats()
    MinorityBuffer.from_bytes(buffer.to_bytes()).graph()
schema = FeatureSchema.numeric(["a", "b", "c"])
for options in ({}, {"strategy": "adasyn"}, {"clean": True, "quota": "poisson"}, {"undersample": 0.5, "ratio": 1.0}):
    online = OnlineResampler(schema, **{"ratio": 0.8, "capacity": 2_500, **options})
    y = rng.integers(0, 6, n) // 2 // (1 + rng.integers(0, 2, n))
    for first in range(0, n, 500):
        part = slice(first, first + 500)
        online.process(X[part], y[part], ids[part])
    online.forget(ids[-100:])
    OnlineResampler.from_bytes(online.to_bytes()).buffer_stats()
"""


def test_warmup_fills_the_cache_and_then_finds_all_in_it(tmp_path):
    compiled = []
    for _ in range(2):
        done = run("warmup", NUMBA_CACHE_DIR=str(tmp_path / "cache"), NUMBA_DISABLE_JIT="0")
        assert done.returncode == 0, done.stderr
        assert "kernels ready" in done.stderr
        compiled.append({(path, path.stat().st_mtime_ns) for path in (tmp_path / "cache").rglob("*.nbc")})
    assert compiled[0]
    assert compiled[0] == compiled[1]
    # Nothing is compiled in the middle of a stream either, whatever a buffer comes to do.
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_DISABLE_JIT": "0"}
    done = subprocess.run([sys.executable, "-c", LONG_LIFE], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert compiled[0] == {(path, path.stat().st_mtime_ns) for path in (tmp_path / "cache").rglob("*.nbc")}


def test_options_may_stand_in_resampler_toml(tmp_path):
    config = tmp_path / "resampler.toml"
    config.write_text(
        '[stream.run]\nurl = "redis://127.0.0.1:1"\nstream = "s"\nfeatures = "a"\nlabel = "y"\nbatch-rows = 8\nk = 3\n'
        "until-idle = 0.2\n"  # a worker waits for a server that is away
    )
    done = run("stream", "run", cwd=tmp_path, RESAMPLER_REDIS_URL="")
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    done = run("stream", "run", "--url", "redis://127.0.0.1:2", cwd=tmp_path, RESAMPLER_REDIS_URL="")
    assert "127.0.0.1:2" in done.stderr  # the command line wins
    for text, message in (
        ("[stream.run]\nbatch_rows = 8\n", "[stream.run] in the configuration file has no option 'batch_rows'"),
        ("[stream.walk]\n", "[stream.walk] in the configuration file is no command"),
        ("stream = 1\n", "[stream] in the configuration file must be a table"),
        ("[steam.run]\n", "[steam] in the configuration file is no command: have "),
        ("[stream.run]\nratio = [1, 2]\n", "[stream.run] ratio in the configuration file must be one value"),
        (
            "[stream.run]\ncost = {a = 2}\n",
            "[stream.run] cost in the configuration file must be a list of CLASS=NUMBER",
        ),
    ):
        config.write_text(text)
        done = run("stream", "run", cwd=tmp_path)
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_help_comes_whatever_resampler_toml_says(tmp_path):
    for text, message in (
        ("[stream.run]\nbatch_rows = 8\n", "has no option 'batch_rows': have "),
        ("[steam.run]\n", "[steam] in the configuration file is no command"),
        ("[stream\n", "'resampler.toml' is not TOML"),
    ):
        (tmp_path / "resampler.toml").write_text(text)
        for help_ in ("--help", "-h"):
            done = run("stream", "run", help_, cwd=tmp_path)
            assert done.returncode == 0
            assert "--batch-rows" in done.stdout
            assert "Note: " in done.stderr
            assert message in done.stderr
        assert run("--help", cwd=tmp_path).returncode == 0
        assert run("stream", "run", cwd=tmp_path).returncode == 2


def test_the_demo_says_where_it_is_when_it_is_not_here(tmp_path):
    package = Path(__import__("resampler").__file__).parent
    shutil.copytree(package, tmp_path / "resampler", ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-c", "from resampler.cli import main; main()", "demo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "clone the repository and type `make demo`" in done.stderr


def test_a_value_of_a_file_neither_floods_nor_commands_a_terminal(capsys, monkeypatch):
    @click.command()
    def fail():
        raise DataError(f"column {'x' * 1_000_000} \x1b[31mred\nand so on")

    monkeypatch.setattr(sys, "argv", ["fail"])
    with pytest.raises(SystemExit) as left:
        cli.run(fail)
    error = capsys.readouterr().err
    assert left.value.code == 1
    assert error.startswith("Error: column xxx")
    assert error.endswith(" \\x1b[31mred\nand so on\n")
    assert len(error) < 5000
