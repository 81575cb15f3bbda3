"""`python -m resampler` is the `resampler` command."""

from resampler.cli import main

main()
