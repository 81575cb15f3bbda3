"""What the demo prints: a line when it happens, and one table at the end."""

from __future__ import annotations

import click

METRICS = ("recall", "precision", "F1", "G-mean", "PR-AUC")


def step(number: int, title: str) -> None:
    """Announce a step."""
    click.secho(f"\n{number}. {title}", bold=True)


def say(text: str) -> None:
    """Print a line of explanation."""
    click.echo(f"   {text}")


def table(rows: list[tuple[str, dict[str, float]]]) -> None:
    """Print a row a learner, a column a metric."""
    width = max(len(name) for name, _ in rows)
    click.echo(f"   {'':{width}}" + "".join(f"{metric:>11}" for metric in METRICS))
    for name, values in rows:
        click.echo(f"   {name:{width}}" + "".join(f"{values[metric]:>11.3f}" for metric in METRICS))
