"""The same training step in PyTorch on the CPU, eager, batched over networks by hand (baddbmm): protocol of jax_train.py."""

import json
import sys
import time

import cases
import torch

options = cases.options(__doc__)


def joined(p, kind, gates):
    return torch.cat([p[f"{kind}.{g}"] for g in gates], 1)


def drives(p, x, gates):
    """Input products and biases of all steps at once: [time, network, trial, gates x units]."""
    n, count = x.shape[1], x.shape[2]
    flat = x.permute(1, 0, 2, 3).reshape(n, -1, x.shape[3])
    out = torch.baddbmm(joined(p, "bias", gates)[:, None], flat, joined(p, "w_in", gates).mT)
    return out.view(n, -1, count, out.shape[-1]).unbind(1)


def vanilla(p, x, h):
    w, path = p["w_rec.a"].mT, []
    for drive in drives(p, x, "a"):
        h = torch.tanh(torch.baddbmm(drive, h, w))
        path.append(h)
    return path


def gru(p, x, h):
    w_gates, w_candidate, units, path = joined(p, "w_rec", "ru").mT, p["w_rec.c"].mT, h.shape[-1], []
    for drive in drives(p, x, "ruc"):
        r, u = torch.sigmoid(torch.baddbmm(drive[..., : 2 * units], h, w_gates)).chunk(2, -1)
        c = torch.tanh(torch.baddbmm(drive[..., 2 * units :], r * h, w_candidate))
        h = u * h + (1 - u) * c
        path.append(h)
    return path


def lstm(p, x, h, c):
    w, path = joined(p, "w_rec", "fiog").mT, []
    for drive in drives(p, x, "fiog"):
        f, i, o, g = torch.baddbmm(drive, h, w).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        path.append(h)
    return path


CELLS = {"vanilla": vanilla, "gru": gru, "lstm": lstm}


def losses(p, trials):
    """Per network; trials are [time, network, trial, channel]."""
    _, n, count, _ = trials["inputs"].shape
    start = [p[f"h0.{s}"][:, None].expand(n, count, -1) for s in cases.STATES[options.cell]]
    h = torch.stack(CELLS[options.cell](p, trials["inputs"], *start), 1).flatten(1, 2)
    y = torch.baddbmm(p["b_out"][:, None], h, p["w_out"].mT)
    target, mask = (trials[k].transpose(0, 1).flatten(1, 2) for k in ("targets", "mask"))
    return (mask * (y - target) ** 2).sum((1, 2)) / mask.sum((1, 2))


def time_first(trials, networks):
    as_is = {k: torch.from_numpy(v) for k, v in trials.items()}
    if networks is not None:  # trials shared by all networks
        as_is = {k: v.expand(networks, *v.shape) for k, v in as_is.items()}
    return {k: v.permute(2, 0, 1, 3).contiguous() for k, v in as_is.items()}


def main():
    if options.loss_only:
        weights, trials = cases.load(options)
        p = {k: torch.from_numpy(v) for k, v in weights.items()}
        with torch.no_grad():
            print(json.dumps({"loss": losses(p, time_first(trials, len(p["w_out"]))).tolist()}))
        return

    p = {k: torch.from_numpy(v).requires_grad_() for k, v in cases.weights(options).items()}
    trials = time_first(cases.trials(options, per_network=True), None)
    optimiser = torch.optim.Adam(list(p.values()), lr=0.01)

    def train():
        optimiser.zero_grad()
        value = losses(p, trials)
        value.sum().backward()
        with torch.no_grad():
            square = sum(v.grad.flatten(1).square().sum(1) for v in p.values())
            scale = (1 / square.sqrt().clamp(min=1e-30)).clamp(max=1)
            for v in p.values():
                v.grad.mul_(scale.view(-1, *[1] * (v.dim() - 1)))
        optimiser.step()
        return value

    train()
    for line in sys.stdin:
        steps = int(line.split()[1])
        start = time.perf_counter()
        for _ in range(steps):
            value = train()
        took = (time.perf_counter() - start) / steps
        print(json.dumps({"seconds_per_step": took, "loss": value.mean().item()}), flush=True)


main()
