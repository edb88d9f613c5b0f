"""One training step of many small recurrent networks in JAX, as a server: the peer of this repository's `train_step`.

jit, vmap over networks, lax.scan over time, masked mean squared error, gradient, global-norm clip 1 and Adam 0.01 per
network (optax), float32. The scan stacks the states and the readout follows for all steps at once, as most people write
it; with `--readout-inside` every step of the scan reads out, which measured up to a third faster on two CPU cores. Input
products stay inside the scan (before it, for all steps at once, was slower); joining the gates of a cell into one product
made no difference beyond noise.

Reads lines `step K`, runs K training steps, prints {"seconds_per_step": ...}. `--loss-only` prints {"loss": [...]} of the
given weights and trials instead. `--sharded` splits the networks over two host devices with shard_map.
"""

import json
import os
import sys
import time

import cases

options = cases.options(__doc__, jax=True)
if options.sharded:  # before jax is imported
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + f" --xla_force_host_platform_device_count={options.shards}"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P


# A cell: (parameters, state, input) -> state, for one network and all its trials. state[0] is what the readout sees.


def product(p, gate, drive, x):
    return drive @ p[f"w_rec.{gate}"].T + x @ p[f"w_in.{gate}"].T + p[f"bias.{gate}"]


def vanilla(p, state, x):
    return (jnp.tanh(product(p, "a", state[0], x)),)


def gru(p, state, x):
    """Reset gate before the product; u multiplies the old state."""
    (h,) = state
    r, u = jax.nn.sigmoid(product(p, "r", h, x)), jax.nn.sigmoid(product(p, "u", h, x))
    c = jnp.tanh(product(p, "c", r * h, x))
    return (u * h + (1 - u) * c,)


def lstm(p, state, x):
    h, c = state
    f, i, o, g = (product(p, k, h, x) for k in "fiog")
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


CELLS = {"vanilla": vanilla, "gru": gru, "lstm": lstm}


def loss(p, trials, cell):
    """One network; trials are [time, trial, channel]."""
    count = trials["inputs"].shape[1]
    start = tuple(jnp.broadcast_to(p[f"h0.{s}"], (count, p[f"h0.{s}"].shape[0])) for s in cases.STATES[cell])

    def read(h):
        return h @ p["w_out"].T + p["b_out"]

    def step(state, x):
        state = CELLS[cell](p, state, x)
        return state, read(state[0]) if options.readout_inside else state[0]

    _, y = lax.scan(step, start, trials["inputs"])
    y = y if options.readout_inside else read(y)
    return jnp.sum(trials["mask"] * (y - trials["targets"]) ** 2) / jnp.sum(trials["mask"])


def time_first(trials):
    return {k: jnp.asarray(v.swapaxes(-3, -2)) for k, v in trials.items()}


def main():
    if options.loss_only:
        weights, trials = cases.load(options)
        of_all = jax.vmap(lambda p, t: loss(p, t, options.cell), in_axes=(0, None))
        print(json.dumps({"loss": [float(v) for v in jax.jit(of_all)(weights, time_first(trials))]}))
        return

    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.01))

    def train_one(p, state, trials):
        value, gradient = jax.value_and_grad(loss)(p, trials, options.cell)
        update, state = optimiser.update(gradient, state)
        return optax.apply_updates(p, update), state, value

    train = jax.vmap(train_one)
    if options.sharded:
        mesh = Mesh(jax.devices(), ("network",))
        assert len(mesh.devices) == options.shards and options.networks % options.shards == 0
        train = jax.shard_map(train, mesh=mesh, in_specs=P("network"), out_specs=P("network"))
        place = lambda tree: jax.device_put(tree, NamedSharding(mesh, P("network")))
    else:
        place = lambda tree: tree
    train = jax.jit(train, donate_argnums=(0, 1))

    p = place({k: jnp.asarray(v) for k, v in cases.weights(options).items()})
    state = place(jax.vmap(optimiser.init)(p))
    trials = place(time_first(cases.trials(options, per_network=True)))
    p, state, value = jax.block_until_ready(train(p, state, trials))  # compiles

    for line in sys.stdin:
        steps = int(line.split()[1])
        start = time.perf_counter()
        for _ in range(steps):
            p, state, value = train(p, state, trials)
        jax.block_until_ready((p, state, value))
        took = (time.perf_counter() - start) / steps
        print(json.dumps({"seconds_per_step": took, "loss": float(value.mean())}), flush=True)


main()
