// Long short-term memory: c' = f c + i g, h' = o act(c').
struct State { h: f32, c: f32 }
struct Gates { i: f32, f: f32, g: f32, o: f32 }

fn gates_drive(s: State) -> f32 { return s.h; }

fn next(s: State, p: Gates) -> State {
    let c = sigmoid(p.f) * s.c + sigmoid(p.i) * activation(p.g);
    return State(sigmoid(p.o) * activation(c), c);
}
