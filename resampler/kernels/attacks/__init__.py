"""What attacks on synthetic rows spend their time on: rows on one line, and where lines meet."""
