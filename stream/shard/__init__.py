"""One shard's life: read, decode, resample, commit; saved state and replay; who owns it."""
