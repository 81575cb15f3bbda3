import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from resampler import samplers
from resampler.errors import InvalidInputError
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
    for frame in (pd.DataFrame(X), pl.DataFrame(X), pl.DataFrame(X).to_arrow()):
        again = samplers.EmbeddingSMOTE(PCA(2), random_state=0).fit_resample(frame, y)[0]
        assert np.allclose(again, made)  # the components' last bits depend on how a frame lies in memory
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


def test_integer_columns_are_rounded_and_cannot_be_scaled():
    X, y = rows()
    data = pd.DataFrame(np.rint(X * 10).astype(int))
    sampler = samplers.EmbeddingSMOTE(random_state=0)
    made = sampler.fit_resample(data, y)[0]
    assert made.dtypes.tolist() == data.dtypes.tolist()
    assert np.array_equal(replay(data, sampler.provenance_), made.iloc[150:])
    with pytest.raises(InvalidInputError, match="6 integer columns of X cannot hold: convert them to float"):
        samplers.EmbeddingSMOTE(metric="cosine").fit_resample(data, y)


def test_lost_contrast_is_said():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(150, 600)), np.repeat([0, 1], [120, 30])
    with pytest.warns(samplers.ContrastWarning, match="lost their contrast, reduce the dimension"):
        samplers.EmbeddingSMOTE(random_state=0).fit_resample(X, y)


@pytest.mark.parametrize("container", [lambda data: data, pl.from_pandas, lambda data: pl.from_pandas(data).to_arrow()])
def test_an_encoder_of_mixed_columns_decodes_to_rows_of_the_table(container):
    X, y = rows()
    data = pd.DataFrame(X, columns=list("abcdef")).assign(shop=np.random.default_rng(1).choice(["u", "v"], len(X)))
    given = container(data)
    encoder = make_column_transformer((StandardScaler(), list("abc")), (OneHotEncoder(), ["shop"]))
    sampler = samplers.EmbeddingSMOTE(encoder, inverse="nearest", random_state=0)
    made, y_new = sampler.fit_resample(given, y)
    assert type(made) is type(given)
    assert np.bincount(y_new).tolist() == [120, 120]
    assert sampler.feature_names_in_.tolist() == data.columns.tolist()
    frame = made if isinstance(made, pd.DataFrame) else made.to_pandas()
    want = data.iloc[np.concatenate([np.arange(150), sampler.decoded_])].reset_index(drop=True)
    assert frame.reset_index(drop=True).equals(want)
    embedded = samplers.EmbeddingSMOTE(encoder, random_state=0).fit_resample(given, y)[0]
    assert embedded.shape == (240, 5)


def test_a_supervised_transformer_gets_the_classes_and_text_is_embedded():
    X, y = rows()
    assert samplers.EmbeddingSMOTE(LinearDiscriminantAnalysis(), random_state=0).fit_resample(X, y)[0].shape == (240, 1)
    rng = np.random.default_rng(0)
    texts = np.array([" ".join(rng.choice(["late", "paid", "fraud", "refund", "card"], 4)) for _ in y])
    reader = make_pipeline(TfidfVectorizer(), TruncatedSVD(3, random_state=0))
    sampler = samplers.EmbeddingSMOTE(reader, inverse="nearest", metric="cosine", random_state=0)
    made, y_new = sampler.fit_resample(texts, y)
    assert set(made[150:]) <= set(texts[y == 1])
    assert np.bincount(y_new).tolist() == [120, 120]


@pytest.mark.parametrize("transformer", [None, PCA(2)])
def test_identities_key_the_draws(transformer):
    X, y = rows()
    ids = np.random.default_rng(1).permutation(len(y)) + 7
    made, _ = samplers.EmbeddingSMOTE(transformer, random_state=0).fit_resample(X, y, row_ids=ids)
    embedded = X if transformer is None else transformer.fit_transform(X)
    plain, _ = samplers.SMOTE(random_state=0).fit_resample(embedded, y, row_ids=ids)
    assert made.tobytes() == plain.tobytes()
    with pytest.raises(InvalidInputError, match="row_ids must be 150 distinct integers"):
        samplers.EmbeddingSMOTE(transformer).fit_resample(X, y, row_ids=ids * 0)
