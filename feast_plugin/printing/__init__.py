"""What commands print for people; programs ask for `--json`."""
