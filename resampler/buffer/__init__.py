"""The minority buffer: the rows of one class that synthetic rows are made from, their graph kept."""

from resampler.buffer.minority import BufferStats, MinorityBuffer

__all__ = ["BufferStats", "MinorityBuffer"]
