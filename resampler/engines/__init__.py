"""Where work on parts of a table runs: in this process, in others, on Ray, Spark or Dask; the same bytes on each."""
