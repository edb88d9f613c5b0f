"""Called by `run-fixed-points`: the same trained networks searched by this engine and by FixedPointFinder (PyTorch).

1. `chiliad run` trains the networks on the 3-bit memory; `chiliad export` writes them for PyTorch.
2. `chiliad fixed-points` searches all of them: with its first round of seeds alone, until which its list is complete or not,
   and until it is closed, with certificates. Seconds of both.
3. FixedPointFinder searches the first few, as its own example does (1,024 visited states with noise of standard deviation
   0.5, at most 10,000 iterations, zero input), again with other seeds until it has every point of this engine's list or a
   budget of searches is spent. Its seconds are extrapolated to all networks, openly.
4. Every point of either list takes Newton steps in float64. What survives inside the box of the cell and is at rest is a
   fixed point; each must be in this engine's list. Points that only this engine has are held against float64, too.

FixedPointFinder is not a package: `--finder` names a checkout of it.
"""

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]
CELLS = {"vanilla": torch.nn.RNN, "gru_reset_after": torch.nn.GRU}
SAME = 1e-4  # two points are one within this distance; neighbouring points of these networks are 1e-1 and more apart


def parse():
    parser = argparse.ArgumentParser(prog="benches/peers/run-fixed-points", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--finder", required=True, help="checkout of FixedPointFinder")
    parser.add_argument("--cell", choices=CELLS, default="vanilla")
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--networks", type=int, default=100)
    parser.add_argument("--peer-networks", type=int, default=3, help="how many of them the peer searches")
    parser.add_argument("--searches", type=int, default=5, help="searches of the peer per network, at most")
    parser.add_argument("--iterations", type=int, default=10_000, help="the peer's max_iters")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args()


def chiliad(*arguments):
    start = time.perf_counter()
    subprocess.run([str(ROOT / "target/release/chiliad"), *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def trained(given, folder):
    study = folder / "study.ron"
    study.write_text(f'(title: "peer", task: "flip_flop", networks: [Train(cell: "{given.cell}", units: {given.units}, '
                     f"seeds: {given.networks}, until: Loss(0.001))])")
    chiliad("run", study, "--out", folder / "study", "--device", "cpu")
    chiliad("export", folder / "study", "--layout", "pytorch", "--out", folder / "torch.safetensors")
    chiliad("task", "sample", "flip_flop", "--trials", 128, "--seed", 1, "--out", folder / "trials.npz")
    search = ["fixed-points", folder / "study", "--trials", folder / "trials.npz"]
    once = chiliad(*search, "--rounds-max", 1, "--out", folder / "first")
    return once, chiliad(*search, "--out", folder / "points")


def listed(folder):
    """States of all fixed points, and the network of each."""
    census = [n["conditions"][0] for n in json.loads((folder / "census.json").read_text())["networks"]]
    # Rows in the order of the networks, fixed points before slow ones.
    network = np.concatenate([np.repeat([n, -1], [sum(c["counts"]), c["slow"]]) for n, c in enumerate(census)])
    return np.load(folder / "fixed_points.npz")["state"], network, sum(c["certificate"] == "held" for c in census)


def module(given, weights, n):
    inputs = weights["weight_ih_l0"].shape[-1]
    rnn = CELLS[given.cell](inputs, given.units, batch_first=True)
    rnn.load_state_dict({k: torch.from_numpy(v[n].copy()) for k, v in weights.items() if k.endswith("_l0")})
    return rnn


def newton(rnn, points):
    """Full Newton steps of F(h) = h in float64 at zero input; the points where they rest, and the others."""
    rnn = type(rnn)(rnn.input_size, rnn.hidden_size, batch_first=True).double()
    rnn.load_state_dict({k: v.double() for k, v in points["module"].items()})
    zero = torch.zeros(1, 1, rnn.input_size, dtype=torch.float64)

    def step(h):
        return rnn(zero, h[None, None])[1][0, 0]

    rest, rejected = [], 0
    for h in torch.from_numpy(np.asarray(points["state"], dtype=np.float64)):
        start = h.clone()
        for _ in range(20):
            J = torch.autograd.functional.jacobian(step, h)
            h = h - torch.linalg.solve(J - torch.eye(len(h), dtype=h.dtype), step(h).detach() - h)
            if not torch.isfinite(h).all():
                break
        ok = torch.isfinite(h).all() and (step(h) - h).abs().max() < 1e-10 and h.abs().max() <= 1.0 + 1e-9
        # A point that Newton carries away was not the peer's point.
        if ok and (h - start).norm() < 0.1 * max(1.0, float(start.norm())):
            rest.append(h.detach().numpy())
        else:
            rejected += 1
    return rest, rejected


def missing(points, among):
    among = np.asarray(among).reshape(len(among), -1)
    return [p for p in points if len(among) == 0 or np.linalg.norm(among - p, axis=1).min() > SAME * max(1.0, np.linalg.norm(p))]


def main():
    given = parse()
    sys.path.insert(0, str(Path(given.finder).resolve()))
    from FixedPointFinderTorch import FixedPointFinderTorch

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
        once_seconds, ours_seconds = trained(given, folder)
        weights = {k.removeprefix("rnn."): v for k, v in load_file(folder / "torch.safetensors").items()}
        states, network, held = listed(folder / "points")
        inputs = torch.from_numpy(np.load(folder / "trials.npz")["inputs"])
        first_states, first_network, _ = listed(folder / "first")
        later = sum(len(missing(states[network == n], first_states[first_network == n])) for n in range(given.networks))
        report = {"cell": given.cell, "units": given.units, "networks": given.networks, "ours_seconds": ours_seconds,
                  "ours_points": int((network >= 0).sum()), "ours_held": held, "ours_once_seconds": once_seconds,
                  "ours_not_in_first_round": later, "peer": []}
        print(f"chiliad: {given.networks} networks closed in {ours_seconds:.1f} s, {report['ours_points']} points, {held} certificates held; "
              f"first round alone {once_seconds:.1f} s, {later} of the points not in it")
        for n in range(min(given.peer_networks, given.networks)):
            rnn = module(given, weights, n)
            state = {k: v.detach().clone() for k, v in rnn.state_dict().items()}
            ours = states[network == n]
            verified, refused = newton(rnn, {"module": state, "state": ours})
            with torch.no_grad():
                visited = rnn(inputs)[0].numpy()
            found, extra, rejected, seconds, searches, first = [], [], 0, 0.0, 0, 0
            for s in range(given.searches):
                finder = FixedPointFinderTorch(rnn, max_iters=given.iterations, lr_init=1.0, outlier_distance_scale=10.0,
                                               random_seed=s, verbose=False)
                start = time.perf_counter()
                with contextlib.redirect_stdout(io.StringIO()):
                    seeds = finder.sample_states(visited, n_inits=1024, noise_scale=0.5)
                    unique, _ = finder.find_fixed_points(seeds, np.zeros((1, rnn.input_size)))
                seconds += time.perf_counter() - start
                searches += 1
                rest, dropped = newton(rnn, {"module": state, "state": unique.xstar})
                rejected += dropped
                found += missing(rest, found) if found else rest
                extra = missing(rest, ours) + extra
                first = first or len(ours) - len(missing(ours, found))
                if not missing(ours, found):
                    break
            row = {"network": n, "ours": len(ours), "ours_verified": len(verified), "ours_refused": refused, "peer_seconds": seconds,
                   "peer_searches": searches, "peer_of_ours_first": first, "peer_of_ours": len(ours) - len(missing(ours, found)),
                   "peer_rejected": rejected, "peer_only": len(extra)}
            report["peer"].append(row)
            print(f"network {n}: ours {len(ours)}, at rest in float64 {len(verified)}; FixedPointFinder found {first} of them in "
                  f"one search, {row['peer_of_ours']} in {searches} ({seconds:.1f} s), {len(extra)} that we lack, "
                  f"{rejected} of its list not fixed points", flush=True)
    rows = report["peer"]
    if rows:
        per_network = sum(r["peer_seconds"] for r in rows) / len(rows)
        report["peer_seconds_all"] = per_network * given.networks
        report["ratio"] = report["peer_seconds_all"] / ours_seconds
        report["ratio_once"] = report["peer_seconds_all"] / once_seconds
        print(f"FixedPointFinder: {per_network:.1f} s a network, extrapolated to {given.networks}: {report['peer_seconds_all']:.0f} s; "
              f"{report['ratio']:.0f} times until closed, {report['ratio_once']:.0f} times the first round")
    if given.json:
        Path(given.json).write_text(json.dumps(report, indent=1))
    if any(r["peer_only"] or r["ours_refused"] for r in rows):
        raise SystemExit("the lists disagree")


main()
