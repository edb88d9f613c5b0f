"""Called by `run-distances`: all pairs of some networks by this engine and by its peers, alternating, on the same states.

States: untrained tanh networks of --units units, each driven by the same inputs, --trials trials of --steps steps in float64.
Peers, in as many processes of one thread as there are cores:

  numpy    the part of each network cached (centred states and their norm, or an orthonormal basis), then a product and a
           singular value decomposition per pair: the shortest way in Python
  netrep   `LinearCKA` and `LinearMetric` as its examples call them (`fit_score`); a checkout, as it is no package (--netrep).
           SVCCA is not in it, but its `LinearMetric(alpha=0)` of the principal components is the same up to a known function
  netrep, cached   `LinearMetric` with its `partial_fit` kept per network, then `finalize_fit` and `score`
  DSA      `dsa-metric`: operators of --rank on --delays delays, compared by its own recipe (dsa_recipe.py); a few pairs

Distances must agree to 1e-6 (CKA and SVCCA as netrep gives them are angles, and are turned back). The DSA package's must be at or above
this engine's, as both look for a minimum. Times per pair are extrapolated to --extrapolate networks; parts that are made
once per network are extrapolated apart.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dsa_recipe
import engine
import numpy as np

MEASURES = ["cka", "procrustes", "svcca"]
TOLERANCE = 1e-6
KEPT = {}  # what forked workers read


def parse():
    parser = argparse.ArgumentParser(prog="benches/peers/run-distances", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=24)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--netrep", metavar="CHECKOUT")
    parser.add_argument("--delays", type=int, default=10)
    parser.add_argument("--rank", type=int, default=15)
    parser.add_argument("--dsa-pairs", type=int, default=4, help="pairs that the DSA package compares; 0 for none")
    parser.add_argument("--extrapolate", type=int, default=1000, help="networks")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args()


def states(given):
    rng = np.random.default_rng(0)
    n, u = given.networks, given.units
    w = rng.standard_normal((n, u, u)) * 1.3 / np.sqrt(u)
    w_in = rng.standard_normal((n, u, 3))
    inputs = rng.standard_normal((given.trials, given.steps, 3))
    h = np.zeros((n, given.trials, u))
    all_states = np.empty((n, given.trials, given.steps, u))
    for t in range(given.steps):
        h = np.tanh(np.einsum("nij,nkj->nki", w, h) + np.einsum("nic,kc->nki", w_in, inputs[:, t]))
        all_states[:, :, t] = h
    return all_states


def pairs():
    n = len(KEPT["states"])
    return [(i, j) for i in range(n) for j in range(i + 1, n)]


def numpy_part(measure, x):
    x = x - x.mean(axis=0)
    if measure == "cka":
        return x, np.linalg.norm(x.T @ x)
    if measure == "procrustes":
        return x, np.linalg.norm(x)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    share = np.cumsum(s * s) / np.sum(s * s)
    return u[:, : int(np.searchsorted(share, 0.99)) + 1], None


def numpy_pair(measure, a, b):
    cross = a[0].T @ b[0]
    if measure == "cka":
        return 1 - np.sum(cross * cross) / (a[1] * b[1])
    s = np.linalg.svd(cross, compute_uv=False)
    if measure == "procrustes":
        return np.arccos(min(1.0, s.sum() / (a[1] * b[1])))
    return 1 - np.minimum(s, 1.0).mean()


def numpy_block(block):
    parts, measure = KEPT["parts"], KEPT["measure"]
    return [numpy_pair(measure, parts[i], parts[j]) for i, j in block]


def principal(x):
    """Principal components with 99 % of the variance, the columns that are left out zero; and how many."""
    q, _ = numpy_part("svcca", x)
    x = x - x.mean(axis=0)
    kept = np.zeros_like(x)
    kept[:, : q.shape[1]] = q * np.linalg.norm(q.T @ x, axis=1)
    return kept, q.shape[1]


def netrep_found(measure, score, i, j):
    if measure == "cka":
        return 1 - np.cos(score)
    if measure == "procrustes":
        return score
    # Whitened components have norm sqrt(k), and their aligned product is the sum of the correlations.
    k = [KEPT["components"][n][1] for n in (i, j)]
    return 1 - np.cos(score) * np.sqrt(k[0] * k[1]) / min(k)


def netrep_metric(measure):
    from netrep.metrics import LinearCKA, LinearMetric

    return LinearCKA() if measure == "cka" else LinearMetric(alpha=1.0 if measure == "procrustes" else 0.0)


def netrep_block(block):
    measure, found = KEPT["measure"], []
    x = [c[0] for c in KEPT["components"]] if measure == "svcca" else KEPT["flat"]
    for i, j in block:
        metric = netrep_metric(measure)
        score = metric.score(x[i], x[j]) if measure == "cka" else metric.fit_score(x[i], x[j])
        found.append(netrep_found(measure, score, i, j))
    return found


def netrep_cached_block(block):
    measure, found = KEPT["measure"], []
    x = [c[0] for c in KEPT["components"]] if measure == "svcca" else KEPT["flat"]
    metric = netrep_metric(measure)
    for i, j in block:
        score = metric.finalize_fit(KEPT["parts"][i], KEPT["parts"][j]).score(x[i], x[j])
        found.append(netrep_found(measure, score, i, j))
    return found


def in_processes(function, work):
    """Results in order, and seconds: `work` dealt out in blocks to processes that see KEPT as it is now."""
    blocks = [work[k : k + 12] for k in range(0, len(work), 12)]
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        pool.map(abs, range(8))  # started before the clock
        start = time.perf_counter()
        found = pool.map(function, blocks, chunksize=1)
        return [d for b in found for d in b], time.perf_counter() - start


def numpy_turn(measure):
    start = time.perf_counter()
    KEPT.update(measure=measure, parts=[numpy_part(measure, x) for x in KEPT["flat"]])
    prepare = time.perf_counter() - start
    found, seconds = in_processes(numpy_block, pairs())
    return {"prepare_seconds": prepare / os.cpu_count(), "pair_seconds": seconds, "distances": found}


def netrep_turn(measure, cached):
    start = time.perf_counter()
    KEPT.update(measure=measure)
    if measure == "svcca":
        KEPT.update(components=[principal(x) for x in KEPT["flat"]])
    if cached:
        x = [c[0] for c in KEPT["components"]] if measure == "svcca" else KEPT["flat"]
        KEPT.update(parts=[netrep_metric(measure).partial_fit(x) for x in x])
    prepare = time.perf_counter() - start
    found, seconds = in_processes(netrep_cached_block if cached else netrep_block, pairs())
    return {"prepare_seconds": prepare / os.cpu_count(), "pair_seconds": seconds, "distances": found}


def dsa_turn(given):
    chosen = pairs()[: given.dsa_pairs]
    networks = sorted({k for p in chosen for k in p})
    with multiprocessing.get_context("fork").Pool(os.cpu_count(), initializer=dsa_recipe.ready) as pool:
        fitted = pool.map(dsa_recipe.operator, [(KEPT["states"][k], given.delays, given.rank) for k in networks], chunksize=1)
        operators = dict(zip(networks, (f[0] for f in fitted)))
        start = time.perf_counter()
        told = pool.map(dsa_recipe.euclidean, [(operators[i], operators[j], 0) for i, j in chosen], chunksize=1)
        seconds = time.perf_counter() - start
    prepare = sum(f[1] for f in fitted) / os.cpu_count() * len(KEPT["states"]) / len(networks)
    return {"prepare_seconds": prepare, "pair_seconds": seconds, "distances": [t[0] for t in told]}


class Engine:
    def __init__(self, binary, file, given):
        self.process = subprocess.Popen([binary, "serve", "--states", file, "--delays", str(given.delays), "--rank", str(given.rank)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def turn(self, measure):
        self.process.stdin.write(measure + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the engine ended early with exit code {self.process.wait()}")
        return json.loads(line)


def row_of(given, measure, program, turns, ours):
    """Times of one program, and its ratio to this engine's turns of the same rounds."""
    count = len(turns[0]["distances"])
    all_networks = given.extrapolate
    all_pairs = all_networks * (all_networks - 1) // 2
    per_pair = [t["pair_seconds"] / count for t in turns]
    total = [p * all_pairs + t["prepare_seconds"] * all_networks / given.networks for p, t in zip(per_pair, turns)]
    our_pairs = [t["pair_seconds"] / len(t["distances"]) for t in ours]
    ratios = [p / o for p, o in zip(per_pair, our_pairs)]
    return {"measure": measure, "program": program, "pairs": count, "pair_ms": 1000 * statistics.median(per_pair),
            "prepare_ms": 1000 * statistics.median(t["prepare_seconds"] for t in turns) / given.networks,
            "extrapolated_seconds": statistics.median(total), "ratio_median": statistics.median(ratios),
            "ratio_min": min(ratios), "ratio_max": max(ratios)}


def shown(row, first):
    ratio = "1" if first else f"{row['ratio_median']:.1f} ({row['ratio_min']:.1f} to {row['ratio_max']:.1f})"
    seconds = row["extrapolated_seconds"]
    total = f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min" if seconds < 36000 else f"{seconds / 86400:.1f} days"
    return f"| {row['measure']} | {row['program']} | {row['pairs']} | {row['prepare_ms']:.1f} | {row['pair_ms']:.3f} | {ratio} | {total} |"


def check(given, measure, program, theirs, ours):
    theirs, ours = np.array(theirs), np.array(ours)[: len(theirs)]
    if program == "DSA":
        if np.any(ours > theirs + 1e-5):  # float32 there
            raise SystemExit(f"the DSA package found a lower minimum: {theirs} there, {ours} here")
        print(f"dsa-procrustes, same pairs: {np.round(ours, 5)} here, {np.round(theirs, 5)} there", file=sys.stderr)
    elif np.abs(theirs - ours).max() > TOLERANCE:
        raise SystemExit(f"{measure}: {program} differs by {np.abs(theirs - ours).max():.1e}")


def main():
    given = parse()
    if given.netrep:
        sys.path.insert(0, str(Path(given.netrep).resolve()))
        import netrep.metrics  # noqa: F401  before the workers are forked: imports are not what is timed
    binary = engine.build()
    KEPT["states"] = states(given)
    KEPT["flat"] = [np.ascontiguousarray(s.reshape(-1, given.units)) for s in KEPT["states"]]
    print(f"{engine.machine()}; {given.networks} networks, {given.units} units, {given.trials * given.steps} samples; ms per network "
          f"and per pair with {os.cpu_count()} threads or processes, medians of {given.rounds} rounds; ratio of times per pair, of the same "
          f"round, median (least to most); last column extrapolated to {given.extrapolate} networks\n")
    print("| measure | program | pairs | ms per network | ms per pair | ratio | all pairs |\n|---|---|---|---|---|---|---|", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "states.npy"
        np.save(file, KEPT["states"])
        ours = Engine(binary, file, given)
        for measure in MEASURES + (["dsa-procrustes"] if given.dsa_pairs else []):
            programs = {"chiliad": lambda: ours.turn(measure)}
            if measure == "dsa-procrustes":
                programs["DSA"] = lambda: dsa_turn(given)
            else:
                programs["numpy"] = lambda: numpy_turn(measure)
                if given.netrep:
                    programs["netrep"] = lambda: netrep_turn(measure, cached=False)
                if given.netrep and measure != "cka":
                    programs["netrep, cached"] = lambda: netrep_turn(measure, cached=True)
            ours.turn(measure)  # warm
            told = {name: [] for name in programs}
            for _ in range(1 if measure == "dsa-procrustes" else given.rounds):
                for name, turn in programs.items():
                    told[name].append(turn())
            for name in list(programs)[1:]:
                check(given, measure, name, told[name][0]["distances"], told["chiliad"][0]["distances"])
            for name, turns in told.items():
                rows.append(row_of(given, measure, name, turns, told["chiliad"]))
                print(shown(rows[-1], name == "chiliad"), flush=True)
            if given.json:
                Path(given.json).write_text(json.dumps(rows, indent=1) + "\n")


main()
