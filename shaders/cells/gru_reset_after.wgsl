// Gated recurrent unit, reset gate applied after the recurrent product, as PyTorch and cuDNN have it:
// n = f(V_n x + b_xn + r (W_n h + b_hn)), h' = (1 - z) n + z h.
struct State { h: f32 }
struct Gates { r: f32, z: f32, xn: f32, hn: f32 }

fn gates_drive(s: State) -> f32 { return s.h; }

fn next(s: State, g: Gates) -> State {
    let z = sigmoid(g.z);
    let n = activation(g.xn + sigmoid(g.r) * g.hn);
    return State(z * s.h + (1.0 - z) * n);
}
