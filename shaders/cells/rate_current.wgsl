// Leaky network of currents, the nonlinearity before the weights:
// x' = (1 - leak) x + leak (W f(x) + V u + b + xi), the readout sees f(x).
struct State { x: f32 }
struct Input { a: f32 }
struct Noise { xi: f32 }
struct Constants { leak: f32 }

fn input_drive(s: State) -> f32 { return activation(s.x); }

fn next(s: State, p: Input, n: Noise, k: Constants) -> State {
    return State((1.0 - k.leak) * s.x + k.leak * (p.a + n.xi));
}

fn output(s: State) -> f32 { return activation(s.x); }
