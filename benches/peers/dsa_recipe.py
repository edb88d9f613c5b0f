"""Procrustes over vector fields as the DSA package (`dsa-metric` 2.0.2) does it, in processes of one thread.

Its defaults: 1,500 steps of Adam at 5e-3 from a random start, and as many for the other determinant; the better one counts.
"""

import time

import numpy as np

ITERATIONS, RATE = 1500, 5e-3


def ready():
    """Imports what takes long, before the clock."""
    import DSA  # noqa: F401
    import torch

    torch.set_num_threads(1)


def euclidean(work):
    """(A, B, seed) -> (distance of the operators scaled to norm 1, seconds)."""
    import torch
    from DSA.simdist import SimilarityTransformDist

    a, b, seed = work
    torch.manual_seed(seed)
    start = time.perf_counter()
    # A copy: the package scales what it is given in place.
    measure = SimilarityTransformDist(iters=ITERATIONS, lr=RATE, score_method="euclidean")
    found = measure.fit_score(np.array(a, dtype=np.float32), np.array(b, dtype=np.float32))
    return float(found), time.perf_counter() - start


def operator(work):
    """(states [trial, time, unit], delays, rank) -> (the operator the package fits, seconds)."""
    import torch
    from DSA import DMD

    states, delays, rank = work
    start = time.perf_counter()
    fitted = DMD(states, n_delays=delays, rank=rank, lamb=1e-8)
    fitted.fit()
    return np.array(fitted.A_v), time.perf_counter() - start
