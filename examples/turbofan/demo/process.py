"""Run the parts of the demo as processes of their own, as a user would."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from resampler.errors import ResamplerError

HERE = Path(__file__).parent


def resampler_command(*arguments: str) -> list[str]:
    """Return the command line of `resampler ...` in this interpreter's environment."""
    return [sys.executable, "-m", "resampler", *arguments]


def script_command(name: str, *arguments: str) -> list[str]:
    """Return the command line of a script that stands beside this file."""
    return [sys.executable, str(HERE / f"{name}.py"), *arguments]


def run(command: list[str], doing: str) -> str:
    """Run a command and return what it printed; what it says of its failure becomes the error.

    On a terminal a line says meanwhile what is being done, and for how long.
    """
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        tqdm(desc=f"   {doing}", bar_format="{desc} ... {elapsed}", disable=None, leave=False) as clock,
    ):
        try:
            while True:
                try:
                    stdout, stderr = process.communicate(timeout=0.5)
                    break
                except subprocess.TimeoutExpired:
                    clock.refresh()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise failed(command, process.returncode, stderr)
    return stdout


def run_json(command: list[str], doing: str) -> dict[str, Any]:
    """Run a command whose last line is one JSON object."""
    return json.loads(run(command, doing).splitlines()[-1])


def failed(command: list[str], returncode: int, stderr: str) -> ResamplerError:
    """Turn a failed process into an error of one line."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    reason = lines[-1].removeprefix("Error: ") if lines else f"exit code {returncode}"
    words = [Path(part).name for part in command if part not in (sys.executable, "-m")]
    error = ResamplerError(f"`{' '.join(words[:3])} ...` failed: {reason}")
    error.exit_code = returncode if returncode in (1, 2, 3) else 1
    return error
