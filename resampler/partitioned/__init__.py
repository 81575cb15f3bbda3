"""Resampling by parts: tables that one machine does not hold, on any engine, to the same bytes."""
