// Vanilla (Elman) network: h' = f(W h + V x + b).
struct State { h: f32 }
struct Input { a: f32 }

fn input_drive(s: State) -> f32 { return s.h; }

fn next(s: State, p: Input) -> State {
    return State(activation(p.a));
}
