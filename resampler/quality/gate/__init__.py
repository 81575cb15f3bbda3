"""Whether predictions of real rows are good enough: figures with intervals, held against a policy."""
