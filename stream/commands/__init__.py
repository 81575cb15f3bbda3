"""The `resampler stream` commands."""
