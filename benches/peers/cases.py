"""What both sides train: shapes, initial weights and 3-bit-memory trials, and the command line of a peer."""

import argparse

import numpy as np

GATES = {"vanilla": ["a"], "gru": ["r", "u", "c"], "lstm": ["f", "i", "o", "g"]}
STATES = {"vanilla": ["h"], "gru": ["h"], "lstm": ["h", "c"]}


def options(about, jax=False):
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cell", choices=GATES, default="vanilla")
    for name, default in dict(networks=256, units=64, trials=64, steps=100, inputs=3, outputs=3, seed=0).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--serve", action="store_true", help="read `step K` lines (always on unless --loss-only)")
    parser.add_argument("--loss-only", action="store_true")
    parser.add_argument("--weights", help="safetensors, [network, to, from]; with --loss-only")
    parser.add_argument("--trials-file", help="npz with inputs, targets, mask [trial, time, channel]; with --loss-only")
    if jax:
        parser.add_argument("--readout-inside", action="store_true")
        parser.add_argument("--sharded", action="store_true")
        parser.add_argument("--shards", type=int, default=2)
    return parser.parse_args()


def weights(o, bias=0.0):
    """Fan-in scaled normal numbers, float32, by tensor name with the network axis first."""
    rng = np.random.default_rng(o.seed)

    def normal(*shape, scale):
        return (scale * rng.standard_normal((o.networks, *shape))).astype(np.float32)

    w = {}
    for g in GATES[o.cell]:
        w[f"w_rec.{g}"] = normal(o.units, o.units, scale=o.units**-0.5)
        w[f"w_in.{g}"] = normal(o.units, o.inputs, scale=o.inputs**-0.5)
        w[f"bias.{g}"] = normal(o.units, scale=bias)
    w["w_out"] = normal(o.outputs, o.units, scale=o.units**-0.5)
    w["b_out"] = normal(o.outputs, scale=bias)
    for s in STATES[o.cell]:
        w[f"h0.{s}"] = normal(o.units, scale=bias)
    return w


def trials(o, per_network):
    """Flip-flop: pulses of +-1 with probability 0.1 per channel and step, the first forced; the target of output k is the
    sign of the last pulse of channel k. [network,] trial, time, channel."""
    rng = np.random.default_rng(o.seed + 1)
    shape = (*((o.networks,) if per_network else ()), o.trials, o.steps, o.inputs)
    pulses = np.where(rng.random(shape) < 0.1, rng.choice(np.float32([-1, 1]), shape), np.float32(0))
    pulses[..., 0, :] = rng.choice(np.float32([-1, 1]), pulses[..., 0, :].shape)
    targets = pulses.copy()
    for t in range(1, o.steps):
        targets[..., t, :] = np.where(pulses[..., t, :] == 0, targets[..., t - 1, :], pulses[..., t, :])
    targets = targets[..., np.arange(o.outputs) % o.inputs]
    return {"inputs": pulses, "targets": targets, "mask": np.ones_like(targets)}


def load(o):
    from safetensors.numpy import load_file

    with np.load(o.trials_file) as f:
        held = {k: f[k] for k in ("inputs", "targets", "mask")}
    return load_file(o.weights), held


def flops(o):
    """Per training step: three times the forward products, readout counted once."""
    per_trial_step = len(GATES[o.cell]) * (o.units * o.units + o.units * o.inputs) + o.units * o.outputs
    return 3 * 2 * o.networks * o.trials * o.steps * per_trial_step
