"""Called by `run`: starts the engine and its peers as servers, alternates between them, prints the ratios.

Each program trains the same shapes and answers a line `step K` with {"seconds_per_step": ...}. Programs take turns
(A B C A B C ...), so that a slow spell of the machine falls on all of them; a ratio is always of one round.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import cases
import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHAPES = {  # name: cell, networks, units, trials, steps
    "vanilla-256x64": ("vanilla", 256, 64, 64, 100),
    "vanilla-256x32": ("vanilla", 256, 32, 64, 100),
    "vanilla-64x128": ("vanilla", 64, 128, 64, 100),
    "gru-128x64": ("gru", 128, 64, 64, 100),
    "lstm-128x64": ("lstm", 128, 64, 64, 100),
}
QUICK = ["vanilla-256x32"]
TOLERANCE = 1e-5


def parse():
    parser = argparse.ArgumentParser(prog="benches/peers/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", help=f"comma-separated, of {', '.join(SHAPES)}, or CELL-NETWORKSxUNITS[xTRIALSxSTEPS]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="each turn trains at least about this long")
    parser.add_argument("--quick", action="store_true", help=f"{', '.join(QUICK)} only, two rounds, one step a turn")
    parser.add_argument("--inputs", type=int, default=3)
    parser.add_argument("--outputs", type=int, default=3)
    parser.add_argument("--torch", action="store_true", help="a row for PyTorch, eager, batched by hand")
    parser.add_argument("--no-engine", action="store_true", help="time the peers alone")
    parser.add_argument("--json", metavar="FILE", help="write the rows there too")
    given = parser.parse_args()
    if given.quick:
        given.shapes, given.rounds, given.seconds = given.shapes or ",".join(QUICK), 2, 0.0
    if given.rounds < 1:
        parser.error("--rounds: at least 1")
    given.shapes = [shape(parser, name) for name in (given.shapes or ",".join(SHAPES)).split(",")]
    return given


def shape(parser, name):
    if name in SHAPES:
        return name, SHAPES[name]
    try:
        cell, _, rest = name.partition("-")
        sizes = [int(v) for v in rest.split("x")]
        if cell not in cases.GATES or len(sizes) not in (2, 4) or min(sizes) < 1:
            raise ValueError
    except ValueError:
        parser.error(f"--shapes: {name!r} is neither one of {', '.join(SHAPES)} nor CELL-NETWORKSxUNITS[xTRIALSxSTEPS]"
                     f" with CELL one of {', '.join(cases.GATES)}")
    return name, (cell, *sizes, *(64, 100)[len(sizes) - 2 :])


def build_engine():
    """Path of the release binary."""
    subprocess.run(["cargo", "build", "--release", "-p", "chiliad-benches", "--bin", "train_step"], cwd=ROOT, check=True)
    told = subprocess.run(["cargo", "metadata", "--no-deps", "--format-version", "1"], cwd=ROOT, check=True,
                          capture_output=True, text=True)
    return str(Path(json.loads(told.stdout)["target_directory"]) / "release" / "train_step")


def flags(o):
    names = ("cell", "networks", "units", "trials", "steps", "inputs", "outputs")
    return [part for k in names for part in (f"--{k}", str(getattr(o, k)))]


class Server:
    """One program, started, warmed up by its first answer."""

    def __init__(self, name, command, o):
        self.name = name
        self.process = subprocess.Popen([*command, *flags(o), "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        try:
            warm = self.turn(1)["seconds_per_step"]
            self.warm = min(warm, self.turn(1)["seconds_per_step"])
        except BaseException:
            self.stop()
            raise

    def turn(self, steps):
        """Trains `steps` steps: the answer, with the processor seconds used per step beside it."""
        before = self.processor_seconds()
        try:
            self.process.stdin.write(f"step {steps}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended; the missing answer says so
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended early with exit code {self.process.wait()}")
        answer = json.loads(line)
        after = self.processor_seconds()
        answer["cpu"] = (after - before) / steps if before is not None and after is not None else None
        return answer

    def processor_seconds(self):
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def programs(given, engine):
    python = sys.executable
    table = {}
    if engine:
        table["chiliad"] = [engine]
    jax = [python, str(HERE / "jax_train.py")]
    table["jax"] = jax
    table["jax sharded"] = [*jax, "--sharded"]
    table["jax, readout inside"] = [*jax, "--readout-inside"]
    table["jax sharded, readout inside"] = [*jax, "--readout-inside", "--sharded"]
    if given.torch:
        table["torch"] = [python, str(HERE / "torch_train.py")]
    return table


def check_losses(table, o):
    """Same weights, same trials: every program must give the loss of the first to a relative 1e-5."""
    small = SimpleNamespace(**vars(o) | {"networks": 4, "trials": 16, "steps": 50, "seed": 7})
    from safetensors.numpy import save_file

    with tempfile.TemporaryDirectory() as folder:
        weights, trials = Path(folder) / "weights.safetensors", Path(folder) / "trials.npz"
        save_file(cases.weights(small, bias=0.3), weights)
        drawn = cases.trials(small, per_network=False)
        drawn["mask"] = (np.random.default_rng(9).random(drawn["mask"].shape) < 0.7).astype(np.float32)
        np.savez(trials, **drawn)
        told = {}
        for name, command in table.items():
            if name.startswith("jax sharded"):  # the same program
                continue
            ran = subprocess.run([*command, *flags(small), "--weights", weights, "--trials-file", trials, "--loss-only"],
                                 check=True, capture_output=True, text=True)
            told[name] = np.array(json.loads(ran.stdout)["loss"])
    first = next(iter(told))
    apart = 0.0
    for name, loss in told.items():
        if loss.shape != (small.networks,):
            raise SystemExit(f"{name} gave {loss.size} losses for {small.networks} networks")
        apart = max(apart, float(np.max(np.abs(loss / told[first] - 1))))
    names = ", ".join(told)
    if not apart <= TOLERANCE:
        raise SystemExit(f"{o.cell}, {o.units} units: losses of {names} differ by {apart:.1e} (allowed {TOLERANCE:.0e}): {told}")
    print(f"{o.cell}, {o.units} units: same weights, losses of {names} agree to {apart:.1e}", file=sys.stderr)
    return apart


def time_shape(given, table, name, o):
    apart = check_losses(table, o) if len(table) > 2 else None
    servers = []
    try:
        for program, command in table.items():
            servers.append(Server(program, command, o))
            print(f"{name}: {program} ready, {servers[-1].warm:.3f} s per step", file=sys.stderr)
        steps = [max(1, math.ceil(given.seconds / s.warm)) for s in servers]
        answers = {s.name: [] for s in servers}
        for turn in range(given.rounds):
            for server, count in zip(servers, steps):
                answers[server.name].append(server.turn(count))
            print(f"{name}: round {turn + 1} of {given.rounds}", file=sys.stderr)
    finally:
        for server in servers:
            server.stop()

    work, reference, rows = cases.flops(o) / 1e9, next(iter(table)), []
    for program, told in answers.items():
        seconds = [a["seconds_per_step"] for a in told]
        processor = [a["cpu"] for a in told if a["cpu"] is not None]
        peaks = [work / s / a["peak_gflops"] for s, a in zip(seconds, told) if a.get("peak_gflops")]
        ratios = [s / r["seconds_per_step"] for s, r in zip(seconds, answers[reference])]
        rows.append({
            "shape": name, "program": program, "cell": o.cell, "networks": o.networks, "units": o.units, "trials": o.trials,
            "steps": o.steps, "inputs": o.inputs, "outputs": o.outputs,
            "seconds": seconds, "seconds_min": min(seconds), "seconds_median": statistics.median(seconds),
            "cpu_seconds_median": statistics.median(processor) if processor else None,
            "gflops_median": work / statistics.median(seconds), "gflops_best": work / min(seconds),
            "share_of_peak_median": statistics.median(peaks) if peaks else None,
            "reference": reference, "ratios": ratios, "ratio_median": statistics.median(ratios),
            "ratio_min": min(ratios), "ratio_max": max(ratios), "loss_difference": apart,
        })
    return rows


def table_row(row):
    def text(value, form):
        return "-" if value is None else format(value, form)

    ratio = "1" if row["program"] == row["reference"] else (
        f"{row['ratio_median']:.2f} ({row['ratio_min']:.2f} to {row['ratio_max']:.2f})")
    cells = [row["shape"], row["program"], text(row["seconds_min"], ".3f"), text(row["seconds_median"], ".3f"),
             text(row["cpu_seconds_median"], ".2f"), text(row["gflops_median"], ".1f"),
             text(row["share_of_peak_median"], ".0%"), ratio]
    return "| " + " | ".join(cells) + " |"


def main():
    given = parse()
    table = programs(given, None if given.no_engine else build_engine())
    rows = []
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; times are per training step; "
          f"ratio: time over that of {next(iter(table))} in the same round, median (min to max)\n")
    print("| shape | program | s, min | s, median | CPU s | GFLOP/s | of FMA peak | ratio |\n|---|---|---|---|---|---|---|---|",
          flush=True)
    start = time.monotonic()
    for name, (cell, networks, units, trials, steps) in given.shapes:
        o = SimpleNamespace(cell=cell, networks=networks, units=units, trials=trials, steps=steps, inputs=given.inputs,
                            outputs=given.outputs, seed=0)
        new = time_shape(given, table, name, o)
        rows += new
        print("\n".join(map(table_row, new)), flush=True)
        if given.json:
            Path(given.json).write_text(json.dumps(rows, indent=1) + "\n")
    print(f"\n{given.rounds} rounds, {time.monotonic() - start:.0f} s in all")


main()
