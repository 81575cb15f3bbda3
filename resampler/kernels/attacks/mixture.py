"""Clusters of rows, and mixtures of normal distributions.

Naive: clusters of rows about planted centers are found in tests/resampler/quality/privacy/attacks/test_means.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import njit


@njit(nogil=True)
def spread_centers(X, draws, centers):
    """Choose rows as first centers, far from one another (k-means++).

    Parameters
    ----------
    X : ndarray of shape (n_rows, d), float64
        Rows.
    draws : ndarray of shape (n_clusters,), float64
        From 0 to below 1.
    centers : ndarray of shape (n_clusters, d), float64
        Written.

    References
    ----------
    Arthur, Vassilvitskii: k-means++: the advantages of careful seeding. SODA 2007, section 2.2.
    """
    n, d = X.shape
    gap = np.full(n, np.inf)
    chosen = int(draws[0] * n)
    for c in range(len(draws)):
        centers[c] = X[chosen]
        total = 0.0
        for i in range(n):
            square = 0.0
            for f in range(d):
                step = X[i, f] - X[chosen, f]
                square += step * step
            gap[i] = min(gap[i], square)
            total += gap[i]
        if c + 1 < len(draws):
            left = draws[c + 1] * total
            chosen = n - 1
            for i in range(n):
                left -= gap[i]
                if left < 0.0:
                    chosen = i
                    break


@njit(nogil=True)
def cluster_rows(X, centers, rounds, cluster):
    """Move each center to the mean of the rows that are nearest to it, and again (Lloyd).

    Parameters
    ----------
    X : ndarray of shape (n_rows, d), float64
        Rows.
    centers : ndarray of shape (n_clusters, d), float64
        Where they start; written. One without a row stays.
    rounds : int
        At most; it ends when no row changes its cluster.
    cluster : ndarray of shape (n_rows,), int64
        Of each row; written.
    """
    n, d = X.shape
    k = len(centers)
    sums = np.empty((k, d))
    counts = np.empty(k)
    cluster[:] = -1
    for _ in range(rounds):
        changed = False
        sums[:] = 0.0
        counts[:] = 0.0
        for i in range(n):
            best, chosen = np.inf, 0
            for c in range(k):
                square = 0.0
                for f in range(d):
                    step = X[i, f] - centers[c, f]
                    square += step * step
                if square < best:
                    best, chosen = square, c
            changed = changed or chosen != cluster[i]
            cluster[i] = chosen
            counts[chosen] += 1.0
            for f in range(d):
                sums[chosen, f] += X[i, f]
        for c in range(k):
            if counts[c] > 0.0:
                for f in range(d):
                    centers[c, f] = sums[c, f] / counts[c]
        if not changed:
            break


@njit(nogil=True)
def fit_mixture(X, means, variances, weights, rounds, least):
    """Fit a mixture of normal distributions, each with a spread of its own in each column, by EM.

    Parameters
    ----------
    X : ndarray of shape (n_rows, d), float64
        Rows.
    means, variances : ndarray of shape (n_components, d), float64
        Where they start; written.
    weights : ndarray of shape (n_components,), float64
        Shares of the rows; written.
    rounds : int
        Steps.
    least : float
        Below which no variance falls, so that no component shrinks to a row.

    References
    ----------
    Dempster, Laird, Rubin: Maximum likelihood from incomplete data via the EM algorithm. JRSS B 39 (1977).
    """
    n, d = X.shape
    k = len(means)
    share = np.empty(k)
    norm = np.empty(k)
    inverse = np.empty((k, d))
    first, second, total = np.empty((k, d)), np.empty((k, d)), np.empty(k)
    for _ in range(rounds):
        for c in range(k):
            norm[c] = np.log(weights[c]) if weights[c] > 0.0 else -np.inf
            for f in range(d):
                inverse[c, f] = 1.0 / variances[c, f]
                norm[c] -= 0.5 * np.log(variances[c, f])
        first[:] = 0.0
        second[:] = 0.0
        total[:] = 0.0
        for i in range(n):
            highest = -np.inf
            for c in range(k):
                square = 0.0
                for f in range(d):
                    step = X[i, f] - means[c, f]
                    square += step * step * inverse[c, f]
                share[c] = norm[c] - 0.5 * square
                highest = max(highest, share[c])
            all_shares = 0.0
            for c in range(k):
                share[c] = np.exp(share[c] - highest) if share[c] > highest - 40.0 else 0.0
                all_shares += share[c]
            for c in range(k):
                if share[c] > 0.0:
                    part = share[c] / all_shares
                    total[c] += part
                    for f in range(d):
                        step = X[i, f] - means[c, f]
                        first[c, f] += part * step
                        second[c, f] += part * step * step
        for c in range(k):
            weights[c] = total[c] / n
            if total[c] > 0.0:
                for f in range(d):
                    moved = first[c, f] / total[c]
                    means[c, f] += moved
                    variances[c, f] = max(second[c, f] / total[c] - moved * moved, least)
