"""Command lines of pages, manifests and examples, parsed as our own command line would parse them; nothing is run."""

from __future__ import annotations

import click

from resampler.cli import resampler


def parsed(words: list[str]) -> click.Context:
    """Parse the words after ``resampler``; raise what the command line would say of them."""
    context = resampler.make_context("resampler", list(words))
    while isinstance(context.command, click.Group):
        group, left = context.command, [*context._protected_args, *context.args]
        name, command, left = group.resolve_command(context, left)
        assert command is not None, f"there is no command {name!r}"
        context = command.make_context(name, list(left), parent=context)
    return context
