"""Writes the files of `deploy` that follow from the code: `make deploy`."""
