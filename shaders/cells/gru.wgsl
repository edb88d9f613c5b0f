// Gated recurrent unit, reset gate applied before the recurrent product: h' = u h + (1 - u) f(W_c (r h) + V_c x + b_c).
struct State { h: f32 }
struct Gates { r: f32, u: f32 }
struct Candidate { c: f32 }

fn gates_drive(s: State) -> f32 { return s.h; }

fn candidate_drive(s: State, g: Gates) -> f32 { return sigmoid(g.r) * s.h; }

fn next(s: State, g: Gates, k: Candidate) -> State {
    let u = sigmoid(g.u);
    return State(u * s.h + (1.0 - u) * activation(k.c));
}
