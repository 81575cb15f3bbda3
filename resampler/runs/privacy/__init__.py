"""Audits of privacy: where the rows are from, what is kept of what came of it."""
