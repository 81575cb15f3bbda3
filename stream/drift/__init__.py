"""Counts of a stream's rows in the cells of a version's profile: how far the input has moved from what was learned."""
