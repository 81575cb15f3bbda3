"""`Decoded`: joining and splitting lose nothing and move nothing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from resampler import FeatureSchema
from stream import encode_batch
from stream.formats import Decoder, Reason, Reject
from stream.redis.entries import Entries

SCHEMA = FeatureSchema.numeric(["a", "b"])
# Of each entry: which of its rows are faulty.
entries = st.lists(st.lists(st.booleans(), min_size=1, max_size=4), max_size=8)


def _decode(faulty, first=1):
    """Decode entries of rows that are numbered through, of which some are infinite."""
    sent, number = [], 0
    for i, marks in enumerate(faulty):
        X = np.array([[number + j, np.inf if bad else 0] for j, bad in enumerate(marks)], dtype=np.float32)
        number += len(marks)
        ((field, payload),) = encode_batch(X, np.arange(len(marks))).items()
        sent.append((b"%d-%d" % (first + i, i), [field, payload]))
    return Decoder(SCHEMA).decode(Entries.pack(sent))


def _content(decoded):
    """Say what is in it, entry by entry."""
    rows = zip(decoded.entry, decoded.place, decoded.X.tolist(), decoded.y, decoded.row_ids(), strict=True)
    return (
        [(decoded.id(i), n) for i, n in enumerate(decoded.n_rows)],
        [(decoded.id(i), place, x, label, row_id) for i, place, x, label, row_id in rows],
        [(decoded.id(reject.entry), reject.n_rows, reject.detail, reject.original) for reject in decoded.rejects],
    )


@settings(deadline=None)
@given(entries, st.data())
def test_what_is_split_and_joined_again_is_the_same(faulty, data):
    whole = _decode(faulty)
    assert whole.n_rows.tolist() == [len(marks) for marks in faulty]
    assert whole.n_rejected + len(whole.y) == sum(map(len, faulty))
    stop = data.draw(st.integers(0, len(faulty)))
    first, rest = whole.split(stop)
    assert first.n_entries == stop
    assert (rest is None) == (stop == len(faulty))
    assert _content(first.followed_by(rest) if rest else first) == _content(whole)
    assert np.array_equal(first.reject_bytes(), whole.reject_bytes()[:stop])


@settings(deadline=None)
@given(entries.filter(bool), st.data())
def test_rows_that_become_rejects_are_still_counted(faulty, data):
    whole = _decode(faulty)
    dropped = np.array(data.draw(st.lists(st.booleans(), min_size=len(whole.y), max_size=len(whole.y))), dtype=np.bool_)
    more = [Reject(int(entry), Reason.TOO_LONG, "more", (), 1) for entry in whole.entry[dropped]]
    less = whole.without(dropped, [*more, *whole.rejects])
    assert less.n_rows.tolist() == whole.n_rows.tolist()
    assert less.row_ids().tolist() == whole.row_ids()[~dropped].tolist()
    assert [reject.entry for reject in less.rejects] == sorted(reject.entry for reject in less.rejects)
