"""What goes after over-sampling, against naive loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import methods as naive

from resampler.methods.clean import edited, tomek_links
from resampler.neighbors import nearest_rows


@st.composite
def rows(draw):
    """Few places, so that equal rows and ties of votes are usual."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(8, 40))
    X, y = rng.integers(0, 6, (n, 2)).astype(np.float64), rng.integers(0, draw(st.integers(1, 4)), n)
    return X, y, lambda queries, k: nearest_rows(X, k, queries=queries).indices


@given(data=rows())
def test_tomek_links_are_mutual_nearest_neighbours_of_two_classes(data):
    X, y, nearest = data
    assert tomek_links(nearest, y).tolist() == naive.tomek_links(X, y)


@given(data=rows(), k=st.integers(1, 6), vote=st.booleans(), seed=st.integers(0, 99))
def test_edited_neighbours_ties_of_the_vote_go_to_the_lowest_class(data, k, vote, seed):
    X, y, nearest = data
    asked = np.random.default_rng(seed).permutation(len(y))[: len(y) // 2]
    assert edited(nearest, y, asked, k, vote=vote).tolist() == naive.edited(X, y, asked, k, vote=vote)


@pytest.mark.parametrize(("y", "gone"), [([1, 0, 1], [0]), ([0, 0, 1], [])])
def test_a_tied_vote_is_the_lowest_classs(y, gone):
    around = np.array([[1, 2]])
    assert edited(lambda *_: around, np.array(y), np.array([0]), 2, vote=True).tolist() == gone
