"""From Feast to canonical rows: entity frame, sources, point-in-time retrieval, types."""
