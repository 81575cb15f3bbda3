"""A version and its life: canonical rows, split, augmentation, files, manifest, catalog."""
