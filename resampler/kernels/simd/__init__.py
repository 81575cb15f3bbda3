"""Vectors by name: many rows at once, whatever is sought among them."""
