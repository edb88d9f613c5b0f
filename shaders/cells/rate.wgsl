// Leaky rate network, the nonlinearity around the weighted sum:
// y' = (1 - leak) y + leak (f(W y + V x + b + inside xi) + (1 - inside) xi).
struct State { y: f32 }
struct Input { a: f32 }
struct Noise { xi: f32 }
struct Constants { leak: f32, noise_inside: f32 }

fn input_drive(s: State) -> f32 { return s.y; }

fn next(s: State, p: Input, n: Noise, k: Constants) -> State {
    let rate = activation(p.a + k.noise_inside * n.xi) + (1.0 - k.noise_inside) * n.xi;
    return State((1.0 - k.leak) * s.y + k.leak * rate);
}
