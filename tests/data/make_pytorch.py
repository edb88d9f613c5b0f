"""Makes the committed reference data of this folder: PyTorch's own networks, gradients by autograd, golden numbers.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make_pytorch.py

Everything is computed in float64 on the CPU from fixed seeds; weights and inputs of the `pytorch_*` and `gradient_*`
files are rounded to float32 first, so that an engine that stores float32 starts from exactly the same numbers.

pytorch_<kind>.safetensors   state dict under PyTorch's names, float32, plus `readout.weight`, `readout.bias`
pytorch_<kind>.npz           inputs [trial, time, 3], h (and c) [trial, time, 7], outputs [trial, time, 2]; initial state 0
pytorch_gru_stack.*          the same for three networks, leading axis = network
gradient_<cell>_<act>.npz    w_rec.<gate> [to, from], w_in.<gate> [to, input], bias.<gate>, w_out, b_out, h0.<state>,
                             constant.<name>, inputs, targets, mask [trial, time, channel], outputs, loss, grad.<tensor>
golden_*.json                closed-form cases; each number that was published elsewhere is asserted to its printed digits

The state after a step is what the readout and the loss see, except where a golden file says otherwise.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent
F64 = torch.float64
torch.set_num_threads(1)


# ---------------------------------------------------------------------------------------------------------------------
# Cells, hand-written from their equations. A cell maps (parameters, state, input, activation) to the next state.
# ---------------------------------------------------------------------------------------------------------------------


def gate(p, name, x, drive):
    """P = W drive + V x + b, without the terms the gate does not have."""
    total = p[f"bias.{name}"]
    if f"w_rec.{name}" in p:
        total = total + drive @ p[f"w_rec.{name}"].T
    if f"w_in.{name}" in p:
        total = total + x @ p[f"w_in.{name}"].T
    return total


def vanilla(p, s, x, f):
    return {"h": f(gate(p, "a", x, s["h"]))}


def rate(p, s, x, f, leak=0.1):
    return {"h": s["h"] + leak * (-s["h"] + f(gate(p, "a", x, s["h"])))}


def ugrnn(p, s, x, f):
    h = s["h"]
    u = torch.sigmoid(gate(p, "u", x, h))
    return {"h": u * h + (1 - u) * f(gate(p, "c", x, h))}


def gru(p, s, x, f):
    h = s["h"]
    r = torch.sigmoid(gate(p, "r", x, h))
    u = torch.sigmoid(gate(p, "u", x, h))
    return {"h": u * h + (1 - u) * f(gate(p, "c", x, r * h))}


def gru_reset_after(p, s, x, f):
    h = s["h"]
    r = torch.sigmoid(gate(p, "r", x, h))
    z = torch.sigmoid(gate(p, "z", x, h))
    n = f(gate(p, "xn", x, h) + r * gate(p, "hn", x, h))
    return {"h": (1 - z) * n + z * h}


def lstm(p, s, x, f):
    h = s["h"]
    i, o, forget = (torch.sigmoid(gate(p, k, x, h)) for k in ("i", "o", "f"))
    c = forget * s["c"] + i * f(gate(p, "g", x, h))
    return {"h": o * f(c), "c": c}


# cell -> step, states, gates, gates without recurrent weights, gates without input weights
CELLS = {
    "vanilla": (vanilla, ["h"], ["a"], [], []),
    "rate": (rate, ["h"], ["a"], [], []),
    "ugrnn": (ugrnn, ["h"], ["u", "c"], [], []),
    "gru": (gru, ["h"], ["r", "u", "c"], [], []),
    "gru_reset_after": (gru_reset_after, ["h"], ["r", "z", "hn", "xn"], ["xn"], ["hn"]),
    "lstm": (lstm, ["h", "c"], ["f", "i", "o", "g"], [], []),
}


def activation(name, slope=1.0):
    return {
        "tanh": torch.tanh,
        "relu": torch.relu,
        "softplus": torch.nn.functional.softplus,
        "sigmoid": lambda x: torch.sigmoid(slope * x),
    }[name]


def rounded(rng, *shape, scale=1.0):
    """Normal numbers that float32 holds exactly, as a float64 array."""
    return (scale * rng.standard_normal(shape)).astype(np.float32).astype(np.float64)


def save_npz(name, **arrays):
    np.savez(HERE / name, **{k: np.ascontiguousarray(v) for k, v in arrays.items()})


# ---------------------------------------------------------------------------------------------------------------------
# PyTorch's own modules
# ---------------------------------------------------------------------------------------------------------------------

HIDDEN, INPUTS, OUTPUTS, TRIALS, TIME = 7, 3, 2, 4, 20
KINDS = {
    "rnn_tanh": (lambda: torch.nn.RNN(INPUTS, HIDDEN, nonlinearity="tanh", batch_first=True), 1),
    "rnn_relu": (lambda: torch.nn.RNN(INPUTS, HIDDEN, nonlinearity="relu", batch_first=True), 1),
    "gru": (lambda: torch.nn.GRU(INPUTS, HIDDEN, batch_first=True), 3),
    "lstm": (lambda: torch.nn.LSTM(INPUTS, HIDDEN, batch_first=True), 4),
}


def in_our_layout(kind, d):
    """PyTorch's stacked rows as our named gates: what `chiliad import --layout pytorch` has to do."""
    order = {"rnn_tanh": "a", "rnn_relu": "a", "gru": "rzn", "lstm": "ifgo"}[kind]
    p = {}
    for k, name in enumerate(order):
        rows = slice(k * HIDDEN, (k + 1) * HIDDEN)
        w_in, w_rec = d["weight_ih_l0"][rows], d["weight_hh_l0"][rows]
        b_in, b_rec = d["bias_ih_l0"][rows], d["bias_hh_l0"][rows]
        if name == "n":
            p |= {"w_in.xn": w_in, "bias.xn": b_in, "w_rec.hn": w_rec, "bias.hn": b_rec}
        else:
            p |= {f"w_in.{name}": w_in, f"w_rec.{name}": w_rec, f"bias.{name}": b_in + b_rec}
    return p


def pytorch_network(kind, seed, inputs):
    """One network: its state dict (float32) and its float64 trajectories."""
    make, gates = KINDS[kind]
    rng = np.random.default_rng(seed)
    d = {
        "weight_ih_l0": rounded(rng, gates * HIDDEN, INPUTS, scale=0.8),
        "weight_hh_l0": rounded(rng, gates * HIDDEN, HIDDEN, scale=(0.7 if kind == "rnn_relu" else 1.2) / math.sqrt(HIDDEN)),
        "bias_ih_l0": rounded(rng, gates * HIDDEN, scale=0.3),
        "bias_hh_l0": rounded(rng, gates * HIDDEN, scale=0.3),
        "readout.weight": rounded(rng, OUTPUTS, HIDDEN, scale=1 / math.sqrt(HIDDEN)),
        "readout.bias": rounded(rng, OUTPUTS, scale=0.1),
    }
    module, readout = make().double(), torch.nn.Linear(HIDDEN, OUTPUTS).double()
    module.load_state_dict({k: torch.tensor(v) for k, v in d.items() if k.endswith("_l0")})
    readout.load_state_dict({k[8:]: torch.tensor(v) for k, v in d.items() if k.startswith("readout.")})
    x = torch.tensor(inputs)
    with torch.no_grad():
        h = module(x)[0]
        out = {"h": h, "outputs": readout(h)}
        # The module gives c of the last step only: the hand-written cell supplies all of them, and is checked here.
        cell = {"rnn_tanh": "vanilla", "rnn_relu": "vanilla", "gru": "gru_reset_after", "lstm": "lstm"}[kind]
        step, states = CELLS[cell][:2]
        p = in_our_layout(kind, {k: torch.tensor(v) for k, v in d.items()})
        f = torch.relu if kind == "rnn_relu" else torch.tanh
        s, path = {k: torch.zeros(TRIALS, HIDDEN, dtype=F64) for k in states}, []
        for t in range(TIME):
            s = step(p, s, x[:, t], f)
            path.append(s)
        by_hand = {k: torch.stack([q[k] for q in path], 1) for k in states}
        assert torch.allclose(by_hand["h"], h, rtol=0, atol=1e-13), kind
        if kind == "lstm":
            out["c"] = by_hand["c"]
            assert torch.allclose(by_hand["c"][:, -1], module(x)[1][1][0], rtol=0, atol=1e-13)
    return {k: v.astype(np.float32) for k, v in d.items()}, {k: v.numpy() for k, v in out.items()}


def make_pytorch():
    for number, kind in enumerate(KINDS):
        inputs = rounded(np.random.default_rng(100 + number), TRIALS, TIME, INPUTS)
        weights, path = pytorch_network(kind, 200 + number, inputs)
        save_file(weights, HERE / f"pytorch_{kind}.safetensors")
        save_npz(f"pytorch_{kind}.npz", inputs=inputs, **path)
    inputs = rounded(np.random.default_rng(110), TRIALS, TIME, INPUTS)
    stack = [pytorch_network("gru", 300 + n, inputs) for n in range(3)]
    save_file({k: np.stack([w[k] for w, _ in stack]) for k in stack[0][0]}, HERE / "pytorch_gru_stack.safetensors")
    save_npz("pytorch_gru_stack.npz", inputs=inputs, **{k: np.stack([q[k] for _, q in stack]) for k in stack[0][1]})


# ---------------------------------------------------------------------------------------------------------------------
# Gradients of every tensor
# ---------------------------------------------------------------------------------------------------------------------

GRADIENTS = [  # cell, activation, slope
    ("vanilla", "tanh", 1.0),
    ("vanilla", "relu", 1.0),
    ("vanilla", "softplus", 1.0),
    ("vanilla", "sigmoid", 1.0),
    ("vanilla", "sigmoid", 7.5),
    ("rate", "tanh", 1.0),
    ("ugrnn", "tanh", 1.0),
    ("gru", "tanh", 1.0),
    ("gru_reset_after", "tanh", 1.0),
    ("lstm", "tanh", 1.0),
]


def random_parameters(cell, rng, units, inputs, outputs):
    _, states, gates, no_recurrent, no_input = CELLS[cell]
    p = {}
    for g in gates:
        if g not in no_recurrent:
            p[f"w_rec.{g}"] = rounded(rng, units, units, scale=1 / math.sqrt(units))
        if g not in no_input:
            p[f"w_in.{g}"] = rounded(rng, units, inputs, scale=0.7)
        p[f"bias.{g}"] = rounded(rng, units, scale=0.3)
    p["w_out"] = rounded(rng, outputs, units, scale=1 / math.sqrt(units))
    p["b_out"] = rounded(rng, outputs, scale=0.2)
    for s in states:
        p[f"h0.{s}"] = rounded(rng, units, scale=0.5)
    return p


def make_gradient(cell, act, slope, seed):
    """Loss and gradients, and the smallest |pre-activation| met (how far a relu stays from its kink)."""
    step, states = CELLS[cell][:2]
    units, inputs, outputs, trials, time = 5, 2, 2, 3, 9
    rng = np.random.default_rng(seed)
    p = {k: torch.tensor(v, requires_grad=True) for k, v in random_parameters(cell, rng, units, inputs, outputs).items()}
    x = torch.tensor(rounded(rng, trials, time, inputs))
    target = torch.tensor(rounded(rng, trials, time, outputs))
    mask = torch.tensor(rng.choice([0.0, 0.5, 1.0, 2.0], size=(trials, time, outputs), p=[0.3, 0.1, 0.5, 0.1]))
    kink = [math.inf]

    def f(v, inner=activation(act, slope)):
        kink[0] = min(kink[0], v.detach().abs().min().item())
        return inner(v)

    s, y = {k: p[f"h0.{k}"].expand(trials, units) for k in states}, []
    for t in range(time):
        s = step(p, s, x[:, t], f)
        y.append(s["h"] @ p["w_out"].T + p["b_out"])
    y = torch.stack(y, 1)
    loss = (mask * (y - target) ** 2).sum() / mask.sum()
    loss.backward()
    arrays = {k: v.detach().numpy() for k, v in p.items()}
    arrays |= {f"grad.{k}": v.grad.numpy() for k, v in p.items()}
    arrays |= {"inputs": x.numpy(), "targets": target.numpy(), "mask": mask.numpy(), "outputs": y.detach().numpy()}
    arrays["loss"] = np.array(loss.item())
    if cell == "rate":
        arrays["constant.leak"] = np.array(0.1)
    if act == "sigmoid":
        arrays["constant.slope"] = np.array(slope)
    return arrays, kink[0]


def make_gradients():
    for number, (cell, act, slope) in enumerate(GRADIENTS):
        seed = 1000 + 100 * number
        arrays, kink = make_gradient(cell, act, slope, seed)
        while act == "relu" and kink < 5e-3:  # finite differences and float32 must stay on the same side
            seed += 1
            arrays, kink = make_gradient(cell, act, slope, seed)
        save_npz(f"gradient_{cell}_{act}{'' if slope == 1.0 else '_slope'}.npz", **arrays)


# ---------------------------------------------------------------------------------------------------------------------
# Golden numbers
# ---------------------------------------------------------------------------------------------------------------------

DISAGREEMENTS, CHECKED = [], [0]
# Digits printed wrongly where these numbers were published; 40-digit arithmetic gives what is computed here.
MISPRINTS = {
    "9.7 LSTM J: computed 0.248330207221131, printed .2483302071",
    "9.7 LSTM J: computed 0.400943933894991, printed .4009438939",
}


def agrees(what, value, printed):
    """Asserts that `value` rounds to the `printed` text (numbers separated by blanks), digit for digit."""
    flat = np.asarray(value.detach().numpy() if isinstance(value, torch.Tensor) else value, dtype=np.float64).ravel()
    texts = printed.split()
    if len(flat) != len(texts):
        DISAGREEMENTS.append(f"{what}: {len(flat)} values, {len(texts)} printed")
        return
    for v, text in zip(flat, texts):
        mantissa, _, exponent = text.partition("e")
        digits = len(mantissa.partition(".")[2]) - int(exponent or 0)
        CHECKED[0] += 1
        if abs(v - float(text)) > 0.5000001 * 10.0**-digits:
            DISAGREEMENTS.append(f"{what}: computed {v:.15g}, printed {text}")


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    return value.tolist() if isinstance(value, np.ndarray) else value


def save_json(name, value):
    def text(v, indent):
        pad = "  " * indent
        if isinstance(v, dict):
            rows = ",\n".join(f"{pad}  {json.dumps(k)}: {text(u, indent + 1)}" for k, u in v.items())
            return "{\n" + rows + "\n" + pad + "}"
        return json.dumps(v, allow_nan=False)

    (HERE / name).write_text(text(plain(value), 0) + "\n")


def closed_forms():
    i, j = np.arange(1, 5)[:, None], np.arange(1, 5)[None, :]
    sign = np.array([1.0, 1.0, 1.0, -1.0])
    w = (0.3 + 0.2 * np.sin(i + 2 * j)) * sign
    w[:, 3] *= 2
    np.fill_diagonal(w, 0)
    k = np.arange(1, 3)[None, :]
    w_in = 0.5 + 0.4 * np.cos(i * k)
    w_out = np.where(np.arange(1, 5) <= 3, 0.4 + 0.1 * np.cos(1 + np.arange(1, 5)), 0.0)[None, :]
    b = 0.1 * np.sin(np.arange(1, 5))
    agrees("W_rec", w, "0 .108215145067 .431397319744 -.764847394097 .148639500938 0 .497871649325 -.382391555644 "
           ".108215145067 .431397319744 0 -.200003917380 .244116900360 .497871649325 .191195777822 0")
    agrees("W_inp", w_in, ".716120922347 .333541265381 .333541265381 .238542551655 .104003001360 .884068114660 "
           ".238542551655 .441799986477")
    agrees("W_out", w_out, ".358385316345 .301000750340 .334635637914 0")
    agrees("b", b, ".084147098481 .090929742683 .014112000806 -.075680249531")
    agrees("rho", np.abs(np.linalg.eigvals(w)).max(), ".583784151122")
    return {"w_rec.a": w, "w_in.a": w_in, "bias.a": b, "w_out": w_out}


def leaves(arrays):
    return {k: torch.tensor(v, dtype=F64, requires_grad=True) for k, v in arrays.items()}


def rate_states(p, u, f, leak=0.1, inside=None, outside=None):
    """y[0] = 0 and the first T-1 updates, so that states and inputs both have T entries and the last input is unused.
    `inside` is noise on the input, `outside` noise added after the activation. u: [trial, time, channel]."""
    y = [torch.zeros(u.shape[0], p["w_rec.a"].shape[0], dtype=F64)]
    for t in range(u.shape[1] - 1):
        drive = u[:, t] if inside is None else u[:, t] + inside[:, t]
        change = -y[-1] + f(y[-1] @ p["w_rec.a"].T + drive @ p["w_in.a"].T + p["bias.a"])
        y.append(y[-1] + leak * (change if outside is None else change + outside[:, t]))
    return torch.stack(y, 1)


def gradients(loss, p):
    return {f"grad.{k}": g for (k, _), g in zip(p.items(), torch.autograd.grad(loss, list(p.values())))}


def after_update(p, u, z, mask, f):
    """The same case where the readout sees the state after the update: inputs 0..T-2, targets 1..T-1. Output 0 is 0, so
    only the count in the loss differs."""
    y = rate_states(p, u, f)
    wanted = mask[:, 1:]
    loss = (wanted * ((y @ p["w_out"].T)[:, 1:] - z[:, 1:]) ** 2).sum() / wanted.sum()
    return {"inputs": u[:, :-1], "targets": z[:, 1:], "mask": wanted, "loss": loss} | gradients(loss, p)


def make_t1(weights):
    time = torch.arange(20, dtype=F64)
    u = torch.stack([torch.sin(0.3 * time), torch.cos(0.2 * time)], -1)[None]
    z = torch.sin(0.15 * time)[None, :, None]
    p = leaves(weights)
    y = rate_states(p, u, torch.relu)
    out = y @ p["w_out"].T
    loss = ((out - z) ** 2).mean()
    g = gradients(loss, p)
    agrees("T1 loss", loss, ".207172844851")
    agrees("T1 out", out, "0 .054942786 .117006217 .182350288 .246612079 .305215983 .353718954 .388162118 .405398749 "
           ".403370046 .381567226 .347896797 .313107117 .281796406 .253616765 .228255089 .205429580 .184886622 "
           ".166397960 .149758164")
    agrees("T1 y_19", y[0, -1], ".175613183 .140490626 .133079651 .135049616")
    agrees("T1 dW_rec", g["grad.w_rec.a"], "-.038341933 -.027515204 -.040019357 -.027230537 "
           "-.038179758 -.027600333 -.038994289 -.027268476 -.036376143 -.025989407 -.040263378 -.025859520 "
           ".011472327 .008230460 .013848644 .008271701")
    agrees("T1 dWinp", g["grad.w_in.a"], "-.095969505 -.076833765 -.088105162 -.069420105 -.105277297 -.100855863 "
           ".038886566 .051394598")
    agrees("T1 dWout", g["grad.w_out"], "-.276460820 -.210582819 -.233942198 -.204348250")
    agrees("T1 db", g["grad.bias.a"], "-.144066493 -.141525790 -.157821493 .067413775")
    golden = {
        "about": "Dale ReLU network in rate form, leak 0.1, y0 = 0, states y[0..19] include y0, output[t] = w_out y[t], "
                 "input 19 unused, no output bias. `after_update`: the same numbers for an engine whose readout sees the "
                 "state after the update. grad.bias.a is the gradient of the bias inside the activation.",
        "cell": "rate", "activation": "relu", "leak": 0.1, "weights": weights,
        "inputs": u, "targets": z, "states": y, "outputs": out, "loss": loss, **g,
        "after_update": after_update(p, u, z, torch.ones_like(z), torch.relu),
    }

    mask = ((time < 5) | (time >= 12)).to(F64)[None, :, None]
    out = rate_states(p, u, torch.relu) @ p["w_out"].T
    selected = (mask * (out - z) ** 2).sum() / mask.sum()
    everything = (mask * (out - z) ** 2).mean()
    g = gradients(selected, p)
    agrees("T1 selected-mean", selected, ".167849496609")
    agrees("T1 all-mean", everything, ".109102172796")
    agrees("T1 masked dW_rec", g["grad.w_rec.a"], "-.028581291 -.020558984 -.028882408 -.020292371 "
           "-.030429745 -.022124075 -.029680008 -.021777140 -.026215185 -.018735639 -.028467528 -.018608768 "
           ".009489719 .006798466 .011114157 .006807943")
    golden["masked"] = {"mask": mask, "loss": selected, "loss_over_all_steps": everything, **g,
                        "after_update": after_update(p, u, z, mask, torch.relu)}

    p = leaves(weights | {"bias.a": np.zeros(4)})
    loss = ((rate_states(p, u, torch.relu) @ p["w_out"].T - z) ** 2).mean()
    agrees("T1 b=0", loss, ".240783737824")
    golden["without_bias"] = {"loss": loss, **gradients(loss, p),
                              "after_update": after_update(p, u, z, torch.ones_like(z), torch.relu)}
    golden["adam"] = t1_adam(weights, u, z)
    save_json("golden_t1.json", golden)


def t1_adam(weights, u, z):
    """20 steps of Adam with coupled weight decay, then the projections of the published trainer."""
    p = leaves(weights)
    trained = ["w_rec.a", "w_in.a", "w_out"]
    optimiser = torch.optim.Adam([p[k] for k in trained], lr=0.05, weight_decay=5e-6)
    keep = {k: p[k].detach() != 0 for k in ("w_in.a", "w_out")}
    sign = torch.tensor([1.0, 1.0, 1.0, -1.0], dtype=F64)
    losses, first = [], None
    for _ in range(20):
        loss = ((rate_states(p, u, torch.relu) @ p["w_out"].T - z) ** 2).mean()
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            for k in keep:
                p[k].copy_(p[k].clamp(min=0) * keep[k])
            for k in ("w_rec.a", "w_out"):
                p[k].copy_(torch.where(p[k] * sign >= 0, p[k], 0.0))
        if first is None:
            first = {k: p[k].detach().clone() for k in trained}
    agrees("T1 Adam, 1 step", first["w_rec.a"], ".049999987 .158215127 .481397307 -.714847412 .198639488 .049999982 "
           ".547871637 -.332391574 .158215131 .481397301 .049999988 -.150003937 .194116944 .447871710 .141195814 -.049999940")
    agrees("T1 Adam losses", losses, ".207172845 .115878696 .038973283 .004128863 .038996670 .063415970 .043623237 "
           ".017518641 .005054068 .006574018 .014702837 .022443531 .026345385 .025599788 .021230667 .014980125 .009062167 "
           ".005566822 .005610598 .008621896")
    agrees("T1 Adam, row 1", p["w_rec.a"][0], ".096166526 .183390068 .531552366 -.442833986")
    if p["w_rec.a"][2, 3].item() != 0:
        DISAGREEMENTS.append(f"T1 Adam: W_rec[3,4] is {p['w_rec.a'][2, 3].item()}, printed exactly 0")
    return {"about": "lr 0.05, betas 0.9 and 0.999, eps 1e-8, weight decay 5e-6 added to the gradient; bias frozen; after "
                     "each step w_in and w_out are clamped to >= 0 and keep their initial zeros, entries of w_rec and w_out "
                     "whose sign is not that of their column (+,+,+,-) become 0",
            "losses_before_step": losses, "after_1_step": first, "after_20_steps": {k: p[k].detach() for k in trained}}


def make_t2(weights):
    steps, trials = torch.arange(20, dtype=F64)[None, :], torch.arange(3, dtype=F64)[:, None]
    u = torch.stack([torch.sin(0.3 * steps + 0.7 * trials), torch.cos(0.2 * steps + 0.4 * trials)], -1)
    z = torch.sin(0.15 * steps + 0.5 * trials)[..., None]
    mask = ((steps < 5) | (steps >= 12)).to(F64).expand(3, 20)[..., None]
    t, k = steps[..., None], trials[..., None]
    size = 0.05 * math.sqrt(20)
    inside = size * torch.cos(1.1 * (t + 1) * (torch.arange(2, dtype=F64) + 1) + k)
    outside = size * torch.sin(0.9 * (t + 1) * (torch.arange(4, dtype=F64) + 1) + 2 * k)
    golden = {
        "about": "T1's matrices without bias, three trials; loss = masked mean + 0.3 ||B'B - diag(B'B)||_F (B = w_in with "
                 "columns of unit norm) + 0.5 mean(y^2) over all steps, trials, units (y0 included); convention of T1. "
                 "noise: `inside` is added to the input, `outside` after the activation.",
        "cell": "rate", "leak": 0.1, "weights": weights | {"bias.a": np.zeros(4)}, "inputs": u, "targets": z, "mask": mask,
        "noise": {"inside": inside, "outside": outside},
    }
    printed = {
        "relu": (".248449157264 .819559859661 .037008977063 .512821603694 -.251728126",
                 "-.007839148 -.005170079 -.008509763 -.006836566 -.008751264 -.005830312 -.009124522 -.007699066 "
                 "-.007823258 -.005061696 -.008815701 -.006693798 .006546622 .004258582 .007185864 .005632398"),
        "tanh": (".335135080035 .819559859661 .040099047888 .601052561877 -.688466204",
                 "-.021482828 -.016242692 -.017034957 -.021289528 -.023256421 -.017823007 -.018317216 -.023705903 "
                 "-.029496164 -.021906009 -.024175810 -.028351670 .015729164 .011173021 .014885304 .014036879"),
        "tanh_noise": (".339081170948 .819559859661 .039116950283 .604507603988 -.708347266",
                       "-.021420939 -.015884792 -.016553898 -.020690679 -.022618230 -.017162338 -.017544724 -.022697609 "
                       "-.028381046 -.020960855 -.023039790 -.027045385 .015485538 .010818892 .014391491 .013438210"),
        "sigmoid": (".195722172733 .819559859661 .137056915076 .510118588169 .013919181", None),
    }
    for case, (numbers, rows) in printed.items():
        p = leaves(weights | {"bias.a": np.zeros(4)})
        f = activation(case.partition("_")[0], 7.5)
        noise = {"inside": inside, "outside": outside} if case == "tanh_noise" else {}
        y = rate_states(p, u, f, **noise)
        out = y @ p["w_out"].T
        task = (mask * (out - z) ** 2).sum() / mask.sum()
        b = p["w_in.a"] / p["w_in.a"].norm(dim=0)
        gram = b.T @ b
        ortho = (gram - torch.diag(torch.diag(gram))).norm()
        square = (y**2).mean()
        loss = task + 0.3 * ortho + 0.5 * square
        wanted = z[mask > 0]
        r2 = 1 - task / ((wanted - wanted.mean()) ** 2).mean()
        g = gradients(loss, p)
        agrees(f"T2 {case}", torch.stack([task, ortho, square, loss, r2]), numbers)
        if rows:
            agrees(f"T2 {case} dW_rec", g["grad.w_rec.a"], rows)
        if case == "relu":
            agrees("T2 relu dWinp", g["grad.w_in.a"], "-.127731495 .244652547 -.035437702 .085875440 .347972947 -.170636387 "
                   ".148163766 .037675547")
            agrees("T2 relu dWout", g["grad.w_out"], "-.119430272 -.077333646 -.104021915 -.100220264")
        golden[case] = {"slope": 7.5 if case == "sigmoid" else 1.0, "task": task, "orthogonality": ortho,
                        "mean_square": square, "loss": loss, "r2": r2, "outputs": out, **g}
    save_json("golden_t2.json", golden)


def make_t3(weights):
    sign = torch.tensor([1.0, 1.0, 1.0, -1.0], dtype=F64)
    off = 1 - torch.eye(4, dtype=F64)
    raw = np.abs(weights["w_rec.a"])
    raw[:, 1] *= -1
    time = torch.arange(20, dtype=F64)
    u = torch.stack([torch.sin(0.3 * time), torch.cos(0.2 * time)], -1)
    z = torch.sin(0.15 * time)[:, None]
    golden = {
        "about": "State x before the rectifier: x' = 0.9 x + 0.1 (w_eff [x]+ + b + w_in u), output[t] = w_out [x[t+1]]+, "
                 "w_eff = g(raw, diagonal removed) times the column signs; x0 = 0.1 trainable; mean squared error over 20 "
                 "steps; derivative of |.| and relu at 0 is 0.",
        "leak": 0.1, "column_signs": sign, "weights": weights | {"raw": raw, "x0": np.full(4, 0.1)}, "inputs": u, "targets": z,
    }
    for case in ("abs", "relu"):
        p = leaves({"raw": raw, "w_in.a": weights["w_in.a"], "bias.a": weights["bias.a"], "w_out": weights["w_out"],
                    "x0": np.full(4, 0.1)})
        w = getattr(torch, case)(p["raw"] * off) * sign
        x, path, out = p["x0"], [], []
        for t in range(20):
            x = 0.9 * x + 0.1 * (w @ torch.relu(x) + p["bias.a"] + p["w_in.a"] @ u[t])
            path.append(x)
            out.append(p["w_out"] @ torch.relu(x))
        out = torch.stack(out)
        loss = ((out - z) ** 2).mean()
        g = gradients(loss, p)
        if case == "abs":
            agrees("T3 loss", loss, ".265198167920")
            agrees("T3 out", out[[0, 1, 2, 3, 15, 16, 17, 18, 19]], ".145528984 .199253491 .256739829 .313624424 .024034462 "
                   ".006497766 0 0 0")
            agrees("T3 x_20", x, "-.322011482 -.082999307 -.362555883 -.184576103")
            agrees("T3 draw", g["grad.raw"], "0 .045365177 -.054584235 .048283579 -.058944180 0 -.058539555 .053430140 "
                   "-.059190653 .048899846 0 .052158716 .029346167 -.024410091 .032208300 0")
            agrees("T3 db", g["grad.bias.a"], "-.157391414 -.179346940 -.178007824 .100378996")
            agrees("T3 dx0", g["grad.x0"], "-.075915233 -.085547296 -.128061999 .124184434")
            agrees("T3 dWout", g["grad.w_out"], "-.190862060 -.187862905 -.159099338 -.193525558")
        golden[case] = {"loss": loss, "outputs": out, "states": torch.stack(path), **g}
    save_json("golden_t3.json", golden)


def eigenvalues(jacobian):
    """As [real, imaginary], largest modulus first."""
    values = np.linalg.eigvals(jacobian.detach().numpy())
    order = sorted(values, key=lambda v: (-round(abs(v), 12), -v.imag))
    return [[float(v.real), float(v.imag)] for v in order]


def linearised(step, p, state, x, f):
    """Next state and Jacobian over the concatenated state fields."""
    names = list(state)
    sizes = [state[k].numel() for k in names]

    def flat(v):
        s = dict(zip(names, torch.split(v, sizes)))
        new = step(p, s, x, f)
        return torch.cat([new[k] for k in names])

    v = torch.cat([state[k] for k in names])
    return flat(v), torch.autograd.functional.jacobian(flat, v)


def make_one_step():
    def weights(k, extra=0.0):
        return {
            "w_in": torch.tensor([[0.3 + 0.1 * k], [-0.2 + 0.05 * k]], dtype=F64),
            "w_rec": torch.tensor([[0.6 - 0.2 * k, 0.4 + 0.1 * k], [-0.5 + 0.15 * k, 0.8 - 0.1 * k]], dtype=F64),
            "bias": torch.tensor([0.05 * k, -0.1 + 0.02 * k], dtype=F64) + extra,
        }

    def parameters(order, extra=None):
        return {f"{n}.{g}": v for k, g in enumerate(order) for n, v in weights(k, (extra or {}).get(g, 0.0)).items()}

    x = torch.tensor([0.7], dtype=F64)
    h, c = torch.tensor([0.25, -0.4], dtype=F64), torch.tensor([0.1, -0.6], dtype=F64)
    golden = {"about": "One step from h = (0.25, -0.4), c = (0.1, -0.6) with input 0.7; rows and columns of the Jacobian are "
                       "the state fields one after the other; eigenvalues as [real, imaginary]. `fixed_points`: cells of one "
                       "unit without input.",
              "input": x, "h": h, "c": c}

    after = parameters("zrn")
    after |= {"w_in.xn": after.pop("w_in.n"), "w_rec.hn": after.pop("w_rec.n"), "bias.xn": after.pop("bias.n"),
              "bias.hn": torch.zeros(2, dtype=F64)}
    cases = {
        "vanilla_tanh": (vanilla, parameters("a"), torch.tanh, {"h": h}),
        "vanilla_relu": (vanilla, parameters("a"), torch.relu, {"h": h}),
        "ugrnn": (ugrnn, parameters("uc"), torch.tanh, {"h": h}),
        "gru": (gru, parameters("urc"), torch.tanh, {"h": h}),
        "gru_reset_after": (gru_reset_after, after, torch.tanh, {"h": h}),
        "lstm": (lstm, parameters("fiog", {"f": 1.0}), torch.tanh, {"h": h, "c": c}),
    }
    results = {}
    for name, (step, p, f, state) in cases.items():
        new, jacobian = linearised(step, p, state, x, f)
        results[name] = (new, jacobian, eigenvalues(jacobian))
        golden[name] = {"weights": p, "next": new, "jacobian": jacobian, "eigenvalues": results[name][2]}

    new, jacobian, eig = results["vanilla_tanh"]
    agrees("9.7 vanilla", new, "0.1973753202 -0.5947603071")
    agrees("9.7 vanilla J", jacobian, ".5766257898 .3844171932 -.3231300885 .5170081416")
    agrees("9.7 vanilla eig", eig, ".5468169657 .3511811437 .5468169657 -.3511811437")
    agrees("9.7 vanilla relu", results["vanilla_relu"][0], "0.2 0")
    new, jacobian, eig = results["gru_reset_after"]
    agrees("9.7 GRU reset-after", new, "0.2865323991 -0.2880720018")
    agrees("9.7 GRU reset-after eig", eig, ".5654229165 0 .4229334064 0")
    new, jacobian, eig = results["lstm"]
    agrees("9.7 LSTM", new, "0.1298032593 -0.1669905417 0.2340714974 -0.4490815263")
    agrees("9.7 LSTM J", jacobian, ".0319012198 .2483302071 .4110040149 0 .0459384413 -.0585564769 0 .1885719905 "
           ".0385172896 .4009438939 .7685247835 0 .0790436973 .0058527898 0 .5781052329")
    agrees("9.7 LSTM |eig|", [math.hypot(*v) for v in eig], ".816736353 .559537133 .074205723 .017906996")

    golden["fixed_points"] = scalar_fixed_points()
    save_json("golden_one_step.json", golden)


def scalar_fixed_points():
    """Cells of one unit, no input: every fixed point by Newton's method from a start beside it."""

    def parameters(**gates):
        p = {}
        for g, (w, b) in gates.items():
            p |= {f"w_rec.{g}": torch.tensor([[w]], dtype=F64), f"bias.{g}": torch.tensor([b], dtype=F64),
                  f"w_in.{g}": torch.zeros(1, 1, dtype=F64)}
        return p

    low, high = -0.858559636640, 0.858559636640
    cases = {  # cell, gates as (weight, bias), points (h) or (h, c) near which to look
        "ugrnn_constant_gate": ("ugrnn", {"u": (0.0, 1.0), "c": (1.5, 0.0)}, [[0.0], [high], [low]]),
        "ugrnn_moving_gate": ("ugrnn", {"u": (0.7, 1.0), "c": (1.5, 0.0)}, [[0.0], [high], [low]]),
        "gru": ("gru", {"r": (1.2, 0.3), "u": (0.7, 1.0), "c": (2.0, 0.0)}, [[-0.22], [0.0], [0.89]]),
        "lstm": ("lstm", {"f": (0.0, 1.0), "i": (0.0, 0.0), "o": (0.0, 0.0), "g": (3.0, 0.0)},
                 [[0.0, 0.0], [0.46, 1.64], [-0.46, -1.64]]),
    }
    out = {}
    for name, (cell, gates, starts) in cases.items():
        step, states = CELLS[cell][:2]
        p, points, spectra = parameters(**gates), [], []
        for start in starts:
            v = torch.tensor(start, dtype=F64)
            for _ in range(30):
                new, jacobian = linearised(step, p, dict(zip(states, v[:, None])), torch.zeros(1, dtype=F64), torch.tanh)
                v = v + torch.linalg.solve(torch.eye(len(v), dtype=F64) - jacobian, new - v)
            _, jacobian = linearised(step, p, dict(zip(states, v[:, None])), torch.zeros(1, dtype=F64), torch.tanh)
            points.append(v)
            spectra.append(eigenvalues(jacobian))
        out[name] = {"cell": cell, "weights": p, "points": points, "eigenvalues": spectra}

    def first(name):
        return [s[0][0] for s in out[name]["eigenvalues"]]

    agrees("9.7 UGRNN points", torch.cat(out["ugrnn_constant_gate"]["points"]), "0 0.858559636640 -0.858559636640")
    agrees("9.7 UGRNN lambda", first("ugrnn_constant_gate"), "1.134470710685 0.837105684172 0.837105684172")
    agrees("9.7 UGRNN tau", -1 / math.log(first("ugrnn_constant_gate")[1]), "5.624140353")
    agrees("9.7 UGRNN moving gate", first("ugrnn_moving_gate"), "1.134470710685 .898339650630 .756786007301")
    agrees("9.7 scalar GRU", torch.cat(out["gru"]["points"]), "-0.221824112269 0 0.888888773457")
    agrees("9.7 scalar GRU lambda", first("gru"), ".952020720001 1.040041352563 .902208330006")
    agrees("9.7 scalar LSTM", torch.stack(out["lstm"]["points"]), "0 0 0.463921756216 1.642660053579 -0.463921756216 -1.642660053579")
    agrees("9.7 scalar LSTM eig", first("lstm"), "1.481058579 .753940620 .753940620")
    return out


if __name__ == "__main__":
    make_pytorch()
    make_gradients()
    forms = closed_forms()
    make_t1(forms)
    make_t2(forms)
    make_t3(forms)
    make_one_step()
    size = sum(f.stat().st_size for f in HERE.iterdir() if f.suffix in (".npz", ".json", ".safetensors"))
    print(f"{CHECKED[0]} printed numbers checked, {len(DISAGREEMENTS)} disagree, {len(MISPRINTS)} known misprints; "
          f"{size / 1024:.0f} KiB of data")
    assert set(DISAGREEMENTS) == MISPRINTS, "\n".join(["not as published, beyond the known misprints:", *DISAGREEMENTS])
