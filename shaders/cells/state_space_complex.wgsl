// Diagonal linear state space, complex: s' = lambda s + V x + b with s = re + i im, the readout sees f(re).
// lambda = exp(-softplus(rate)) (cos t + i sin t), tan(t / 2) = turn (n + 1) / N for unit n: rational in `turn`, so no sine is
// needed, and all frequencies from near 0 to a quarter of a turn per step are there from the start.
struct State { re: f32, im: f32 }
struct Input { u_re: f32, u_im: f32 }
struct UnitParams { rate: f32, turn: f32 }
struct Unit { index: f32, count: f32 }

fn input_drive(s: State) -> f32 { return s.re; }

fn next(s: State, p: Input, w: UnitParams, i: Unit) -> State {
    let half = w.turn * (i.index + 1.0) / i.count;
    let scale = exp(-softplus(w.rate)) / (1.0 + half * half);
    let c = scale * (1.0 - half * half);
    let d = scale * 2.0 * half;
    return State(c * s.re - d * s.im + p.u_re, d * s.re + c * s.im + p.u_im);
}

fn output(s: State) -> f32 { return activation(s.re); }
