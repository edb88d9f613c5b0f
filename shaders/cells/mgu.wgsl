// Minimal gated unit: one gate f forgets and resets, h' = (1 - f) h + f act(W_c (f h) + V_c x + b_c).
struct State { h: f32 }
struct Gates { f: f32 }
struct Candidate { c: f32 }

fn gates_drive(s: State) -> f32 { return s.h; }

fn candidate_drive(s: State, g: Gates) -> f32 { return sigmoid(g.f) * s.h; }

fn next(s: State, g: Gates, k: Candidate) -> State {
    let f = sigmoid(g.f);
    return State((1.0 - f) * s.h + f * activation(k.c));
}
