"""The format of an entry is found by its first two names; single rows are compared in `tests/stream/formats`."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.formats.columns import join_words
from stream.kernels.packed import classify
from stream.redis.entries import Entries

WORDS = [b"row", b"rows", b"arrow"]
items = st.lists(st.sampled_from([*WORDS, b"ro", b"rowss", b"", b"id"]), max_size=8).filter(lambda i: len(i) % 2 == 0)


@given(st.lists(items, max_size=6))
def test_classify(entries):
    packed = Entries.pack([(b"1-%d" % i, entry) for i, entry in enumerate(entries)])
    kinds = np.empty(len(entries), dtype=np.int64)
    classify(packed.buffer, packed.first, packed.spans, *join_words(WORDS), kinds)
    known = [[WORDS.index(name) for name in entry[:4:2] if name in WORDS] for entry in entries]
    assert kinds.tolist() == [found[-1] if found else -1 for found in known]
