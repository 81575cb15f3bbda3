"""What a version is on disk: its manifest, its tables, its lineage, and the catalogue that they stand in."""
