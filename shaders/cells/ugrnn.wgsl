// Update gate network: u = sigmoid(.), c = f(.), h' = u h + (1 - u) c.
struct State { h: f32 }
struct Gates { u: f32, c: f32 }

fn gates_drive(s: State) -> f32 { return s.h; }

fn next(s: State, g: Gates) -> State {
    let u = sigmoid(g.u);
    return State(u * s.h + (1.0 - u) * activation(g.c));
}
