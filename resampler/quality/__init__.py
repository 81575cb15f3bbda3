"""What rows are worth, and what they would do to a model: measures on arrays."""
