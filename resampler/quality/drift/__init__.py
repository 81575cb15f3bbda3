"""How far rows have moved from those that a model learned from."""
