"""Called by `run-dsa`: pairs A, B = Q A Q^T, whose distance is 0, given to this engine and to the DSA package.

Four kinds of A: generic (independent normal entries), near-normal (rotations in planes and a tenth of noise), repeated
(three eigenvalues shared by all directions, and a strictly upper triangle), low rank (half of the directions never used).
Q is uniform over the orthogonal group, its determinant +1 and -1 in turn. A run counts where the distance of the operators
scaled to norm 1 is below 1e-4. The engine takes every pair, the package the first few: it takes seconds per run.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import tempfile
import time
from pathlib import Path

import dsa_recipe
import engine
import numpy as np

SAME = 1e-4


def parse():
    parser = argparse.ArgumentParser(prog="benches/peers/run-dsa", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="4,8,10,20,100", help="n of the matrices")
    parser.add_argument("--pairs", type=int, default=100, help="of each kind and size")
    parser.add_argument("--runs", type=int, default=20, help="of each pair, with other random starts")
    parser.add_argument("--peer-pairs", type=int, default=4, help="how many of them the package is given")
    parser.add_argument("--peer-runs", type=int, default=1)
    parser.add_argument("--peer-sizes", default="4,8,10,20", help="n at which it is")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args()


def generic(n, rng):
    return rng.standard_normal((n, n)) / np.sqrt(n)


def near_normal(n, rng):
    a = 0.1 * generic(n, rng)
    for k in range(0, n, 2):
        c, s = np.cos(angle := rng.uniform(0, 3)), np.sin(angle)
        a[k : k + 2, k : k + 2] += np.array([[c, -s], [s, c]])[: n - k, : n - k]
    return a


def repeated(n, rng):
    return np.triu(generic(n, rng), 1) + np.diag(np.resize([0.9, 0.5, -0.3], n))


def low_rank(n, rng):
    a = np.zeros((n, n))
    a[: n // 2, : n // 2] = rng.standard_normal((n // 2, n // 2)) / np.sqrt(n)
    return a


KINDS = {"generic": generic, "near-normal": near_normal, "repeated": repeated, "low rank": low_rank}


def conjugated(a, rng, flip):
    q, r = np.linalg.qr(rng.standard_normal(a.shape))
    q *= np.sign(np.diag(r))
    if (np.linalg.det(q) < 0) != flip:
        q[:, 0] = -q[:, 0]
    return q @ a @ q.T


def main():
    given = parse()
    binary = engine.build()
    print(f"{engine.machine()}; share: runs that end below {SAME:.0e}; the package: {dsa_recipe.ITERATIONS} steps of Adam at "
          f"{dsa_recipe.RATE:g}, both determinants, {os.cpu_count()} processes\n")
    print("| kind | n | pairs x runs | share | largest | ms per run and core | package: pairs x runs | share | median (least to most) | s per run and core |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    rows, start = [], time.monotonic()
    peer_sizes = [int(n) for n in given.peer_sizes.split(",") if n]
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Pool(os.cpu_count(), initializer=dsa_recipe.ready) as pool:
        first, second = Path(folder) / "first.npy", Path(folder) / "second.npy"
        for n in [int(n) for n in given.sizes.split(",")]:
            for kind, draw in KINDS.items():
                rng = np.random.default_rng([given.seed, n, list(KINDS).index(kind)])
                a = np.stack([draw(n, rng) for _ in range(given.pairs)])
                b = np.stack([conjugated(m, rng, flip=k % 2 == 1) for k, m in enumerate(a)])
                np.save(first, a)
                np.save(second, b)
                ran = subprocess.run([binary, "conjugation", "--first", first, "--second", second, "--runs", str(given.runs)],
                                     check=True, capture_output=True, text=True)
                ours = json.loads(ran.stdout)
                found = np.array(ours["distances"])
                row = {"kind": kind, "n": n, "pairs": given.pairs, "runs": given.runs, "share": float(np.mean(found < SAME)),
                       "largest": float(found.max()), "seconds": ours["seconds"] / found.size * os.cpu_count()}
                cells = [kind, n, f"{given.pairs} x {given.runs}", f"{row['share']:.1%}", f"{row['largest']:.1e}",
                         f"{1000 * row['seconds']:.2f}"]
                if n in peer_sizes and given.peer_pairs:
                    work = [(a[k], b[k], run) for k in range(given.peer_pairs) for run in range(given.peer_runs)]
                    told = pool.map(dsa_recipe.euclidean, work, chunksize=1)
                    theirs = np.array([t[0] for t in told])
                    row["peer"] = {"distances": theirs.tolist(), "share": float(np.mean(theirs < SAME)),
                                   "seconds": float(np.mean([t[1] for t in told]))}
                    cells += [f"{given.peer_pairs} x {given.peer_runs}", f"{row['peer']['share']:.0%}",
                              f"{np.median(theirs):.3f} ({theirs.min():.3f} to {theirs.max():.3f})", f"{row['peer']['seconds']:.1f}"]
                else:
                    cells += ["-"] * 4
                rows.append(row)
                print("| " + " | ".join(map(str, cells)) + " |", flush=True)
                if given.json:
                    Path(given.json).write_text(json.dumps(rows, indent=1) + "\n")
    print(f"\n{time.monotonic() - start:.0f} s in all")
    weak = [r for r in rows if r["kind"] in ("generic", "near-normal") and r["share"] < 0.99]
    if weak:
        raise SystemExit(f"below 99 %: {[(r['kind'], r['n'], r['share']) for r in weak]}")


main()
