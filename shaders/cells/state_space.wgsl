// Diagonal linear state space, real: h' = a h + (1 - a) (V x + b), the readout sees f(h). The rate of unit n is that of unit 0
// times n + 1, so that memories of all lengths are there from the start; each is trained.
struct State { h: f32 }
struct Input { u: f32 }
struct UnitParams { rate: f32 }
struct Unit { index: f32 }

fn input_drive(s: State) -> f32 { return s.h; }

fn next(s: State, p: Input, w: UnitParams, i: Unit) -> State {
    let a = exp(-softplus(w.rate) * (i.index + 1.0));
    return State(a * s.h + (1.0 - a) * p.u);
}

fn output(s: State) -> f32 { return activation(s.h); }
