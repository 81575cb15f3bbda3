"""Writes the files of `deploy` that follow from the code: `make deploy`, or `python -m deploy.generate` from the root."""
