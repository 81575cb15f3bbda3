"""What attacks on synthetic rows spend their time on: rows on one line or flat, where lines meet, mixtures."""
