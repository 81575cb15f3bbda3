"""The page for people: what a version is, whether it can mislead, and what its synthetic rows look like."""
