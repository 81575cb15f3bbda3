import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.decomposition import PCA

from resampler import samplers
from resampler.samplers import replay


def rows(seed=0, n=(120, 30), d=6):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(n)), n)
    return rng.normal(size=(sum(n), d)) * np.arange(1, d + 1) + y[:, None], y


def test_synthetic_embeddings_lie_between_embeddings():
    X, y = rows()
    sampler = samplers.EmbeddingSMOTE(PCA(2), random_state=0)
    made, y_new = sampler.fit_resample(X, y)
    embedded = sampler.transformer_.transform(X)
    assert np.bincount(y_new).tolist() == [120, 120]
    assert np.allclose(made[:150], embedded)
    for frame in (pd.DataFrame(X), pl.DataFrame(X)):
        again = samplers.EmbeddingSMOTE(PCA(2), random_state=0).fit_resample(frame, y)[0]
        assert np.array_equal(again, made)
    assert np.array_equal(replay(made[:150], sampler.provenance_), made[150:])


def test_nearest_decodes_to_real_rows_of_the_class():
    X, y = rows()
    made, y_new = samplers.EmbeddingSMOTE(PCA(2), inverse="nearest", random_state=0).fit_resample(X, y)
    minority = {tuple(row) for row in X[y == 1]}
    assert all(tuple(row) in minority for row in made[150:])
    assert (y_new[150:] == 1).all()


def test_cosine_neighbours_do_not_depend_on_length():
    X, y = rows()
    stretched = X * np.linspace(0.1, 9, len(X))[:, None]
    one, two = (
        samplers.EmbeddingSMOTE(metric="cosine", random_state=0),
        samplers.EmbeddingSMOTE(metric="cosine", random_state=0),
    )
    assert np.allclose(one.fit_resample(X, y)[0], two.fit_resample(stretched, y)[0])
    assert np.array_equal(one.provenance_.neighbor, two.provenance_.neighbor)


def test_lost_contrast_is_said():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(150, 600)), np.repeat([0, 1], [120, 30])
    with pytest.warns(samplers.ContrastWarning, match="lost their contrast, reduce the dimension"):
        samplers.EmbeddingSMOTE(random_state=0).fit_resample(X, y)
