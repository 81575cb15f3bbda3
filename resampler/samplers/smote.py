"""`SMOTE`: synthetic rows between a row and one of its nearest neighbours of the same class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from imblearn import over_sampling

from resampler.samplers.base import Synthesizer

if TYPE_CHECKING:
    from resampler.grids import Grids
    from resampler.methods.parameters import Missing
    from resampler.secret import SecretKey


class SMOTE(Synthesizer, over_sampling.SMOTE):  # type: ignore[misc]
    """Over-sample by SMOTE, with the provenance of every synthetic row.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable
        As in imbalanced-learn; a float is minority : majority after resampling.
    random_state : int, RandomState or None
        An integer gives the same rows on every machine, whatever other classes or majority rows there are.
    k_neighbors : int or object
        Neighbours that a base may be joined with; a row is never its own neighbour, duplicates or not. Or an
        estimator with `kneighbors`, whose ``n_neighbors`` counts the row itself, as in imbalanced-learn.
    neighbors : {"auto", "exact", "approximate", "auto-1", "auto-2"}
        How they are sought: see `resampler.neighbors.nearest_rows`. "auto-1" is what "auto" was in earlier releases,
        "auto-2" what it is in this one.
    group_by : int, str or None
        Column, by number or name, whose values split the rows into subgroups. Neighbours are sought within a subgroup
        alone; a column of text is carried along.
    subgroups : {"within", "proportional"}
        Balance each subgroup as if it were resampled alone, or let it grow in proportion to its rows of the class.
    grid : {"off", "auto"}
        Let synthetic values lie anywhere; or put each on the steps and within the bounds that the values of its column
        keep, learned from all rows (`resampler.tally`), without moving the mean.
    relations : {"off", "keep"}
        Whether columns that are copies, multiples or sums of others in all rows follow from these in synthetic rows,
        too (`resampler.relations`); that needs ``grid="auto"``.
    missing : {"refuse", "inherit", "complete"}
        What rows with nulls are: an error, in scikit-learn's words; parents, whose distances to others are measured by
        the columns that both have, scaled up to all, and whose nulls their synthetic rows inherit; or no parents.
    secret_key : SecretKey, str or None
        A key, or where one is read from when rows are made: ``env:NAME`` or ``file:PATH``. It is mixed into
        `random_state`, so that knowing that one tells nothing of the draws, and the synthetic rows of each class are
        shuffled. Without a `random_state` they are other rows each time, as they are without a key. `provenance_` is as
        sensitive as the rows.

    Attributes
    ----------
    sampling_strategy_ : dict
        Synthetic rows to make of each class.
    nn_k_ : object
        What `k_neighbors` was validated to; it searches only where an object was given.
    n_features_in_ : int
        Columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; only where `X` has names, all of them text.
    provenance_ : Provenance
        Parents and step of each synthetic row, in the order of the rows.
    neighbors_recall_ : dict
        For each class, or (class, subgroup), the share of true neighbours that a sample of its rows found.
    neighbors_exact_ : dict
        Likewise, whether all searches for them were exact.
    neighbors_rule_ : str
        How they were sought: as `neighbors`, with what "auto" meant (`resampler.search_rule.RULES`). Given as
        `neighbors`, it finds the same ones in later releases.

    References
    ----------
    Chawla, Bowyer, Hall, Kegelmeyer: SMOTE. JAIR 16 (2002), doi:10.1613/jair.953. Deviation: bases take turns in
    a seeded order, where the paper draws them.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.random.default_rng(0).normal(size=(60, 2)), np.repeat([0, 1], [45, 15])
    >>> X_new, y_new = SMOTE(random_state=0).fit_resample(X, y)
    >>> np.bincount(y_new).tolist()
    [45, 45]
    """

    _method = "smote"
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **over_sampling.SMOTE._parameter_constraints,
        **Synthesizer._neighbors_constraint,
        **Synthesizer._grid_constraint,
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        k_neighbors: Any = 5,
        neighbors: str = "auto",
        group_by: int | str | None = None,
        subgroups: str = "within",
        grid: Grids = "off",
        relations: str = "off",
        missing: Missing = "refuse",
        secret_key: SecretKey | str | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state, k_neighbors=k_neighbors)
        self.neighbors = neighbors
        self.group_by = group_by
        self.subgroups = subgroups
        self.grid = grid
        self.relations = relations
        self.missing = missing
        self.secret_key = secret_key
