"""A process that serves shards: which, how healthy, seen from outside."""
