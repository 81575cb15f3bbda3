"""What the values of rows are, in counts that add up: of a version, of a file, of a stream."""
