// Piecewise linear recurrent network: z' = a z + W relu(z) + V x + b, one a per unit.
struct State { z: f32 }
struct Input { p: f32 }
struct UnitParams { a: f32 }

fn input_drive(s: State) -> f32 { return max(s.z, 0.0); }

fn next(s: State, g: Input, w: UnitParams) -> State {
    return State(w.a * s.z + g.p);
}
