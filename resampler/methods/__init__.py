"""What makes synthetic rows, once: estimators, snapshots and streams are adapters of it."""
