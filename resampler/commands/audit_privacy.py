"""`resampler audit privacy`: attacks on synthetic rows; exit 0 they found little, 3 a limit is broken."""

from __future__ import annotations

import click


@click.command()
@click.argument("file", required=False, metavar="[FILE]")
def privacy(file: str | None) -> int:
    """Attack synthetic rows, and say how many of the real ones are rebuilt, told or named."""
    raise click.UsageError(f"nothing is measured of {file} yet")
