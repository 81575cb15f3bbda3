"""Which rows a version is made of, in canonical order: asked for, found, typed, identified, split."""
