"""Remedies for a rare class side by side, on real rows that no model has seen: is any of them worth it."""
