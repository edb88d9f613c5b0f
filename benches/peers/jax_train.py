"""One training step of many small recurrent networks in JAX, as a server: the peer of this repository's `train_step`.

jit, vmap over networks, lax.scan over time, masked mean squared error, gradient, global-norm clip 1 and Adam 0.01 per
network (optax), float32. As quick as plain JAX gets it: the gates of a stage are one product, and what does not depend on
the state (input products, readout) is done for all steps at once, outside the scan.

Reads lines `step K`, runs K training steps, prints {"seconds_per_step": ...}. `--loss-only` prints {"loss": [...]} of the
given weights and trials instead. `--sharded` splits the networks over two host devices with shard_map.
"""

import json
import os
import sys
import time

import cases

options = cases.options(__doc__, sharded=True)
if options.sharded:  # before jax is imported
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + f" --xla_force_host_platform_device_count={options.shards}"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P


def vanilla(p, x, h0):
    def step(h, drive):
        h = jnp.tanh(drive + h @ p["w_rec.a"].T)
        return h, h

    return lax.scan(step, h0["h"], x @ p["w_in.a"].T + p["bias.a"])[1]


def joined(p, kind, gates):
    return jnp.concatenate([p[f"{kind}.{g}"] for g in gates])


def gru(p, x, h0):
    """Reset gate before the product; u multiplies the old state."""
    w_gates = joined(p, "w_rec", "ru").T
    drive = x @ joined(p, "w_in", "ruc").T + joined(p, "bias", "ruc")
    units = h0["h"].shape[-1]

    def step(h, drive):
        r, u = jnp.split(jax.nn.sigmoid(drive[..., : 2 * units] + h @ w_gates), 2, axis=-1)
        c = jnp.tanh(drive[..., 2 * units :] + (r * h) @ p["w_rec.c"].T)
        h = u * h + (1 - u) * c
        return h, h

    return lax.scan(step, h0["h"], drive)[1]


def lstm(p, x, h0):
    w = joined(p, "w_rec", "fiog").T
    drive = x @ joined(p, "w_in", "fiog").T + joined(p, "bias", "fiog")

    def step(state, drive):
        h, c = state
        f, i, o, g = jnp.split(drive + h @ w, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    return lax.scan(step, (h0["h"], h0["c"]), drive)[1]


CELLS = {"vanilla": vanilla, "gru": gru, "lstm": lstm}


def loss(p, trials, cell):
    """One network; trials are [time, trial, channel]."""
    count = trials["inputs"].shape[1]
    h0 = {s: jnp.broadcast_to(p[f"h0.{s}"], (count, p[f"h0.{s}"].shape[0])) for s in cases.STATES[cell]}
    y = CELLS[cell](p, trials["inputs"], h0) @ p["w_out"].T + p["b_out"]
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
