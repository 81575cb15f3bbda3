"""The attacks, a file each, and the table of them: `ATTACKS`."""
