"""Which remedy for rare classes is worth it, measured on the user's own rows."""
