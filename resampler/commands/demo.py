"""`resampler demo`: find the example in the source tree and run it."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from resampler.errors import InvalidInputError, MissingExtraError

EXAMPLE = Path("examples", "turbofan", "demo")


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """Run the main job end to end on NASA's turbofan data."""
    missing = [name for name in ("redis", "prometheus_client", "feast") if find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"the demo needs {', '.join(missing)}: pip install 'feast-resampler[all]'")
    for root in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if (root / EXAMPLE / "__main__.py").is_file():
            sys.stdout.flush()
            os.execv(sys.executable, [sys.executable, str(root / EXAMPLE), *arguments])  # noqa: S606
    raise InvalidInputError(
        f"the demo and its data live in the source tree ({EXAMPLE}), which is not here: "
        "clone the repository and type `make demo`"
    )
