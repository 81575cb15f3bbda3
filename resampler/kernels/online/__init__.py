"""A stream's rows in order: the window of counts, danger, and the operations of a micro-batch."""
