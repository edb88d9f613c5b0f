// Almost-linear recurrent network: z' = a z + W phi(z) + V x + b, one a per unit; phi rectifies the last `rectified` units
// and leaves the others as they are.
struct State { z: f32 }
struct Input { p: f32 }
struct UnitParams { a: f32 }
struct Unit { index: f32, count: f32 }
struct Constants { rectified: f32 }

fn input_drive(s: State, i: Unit, k: Constants) -> f32 {
    return select(s.z, max(s.z, 0.0), i.index >= i.count - k.rectified);
}

fn next(s: State, g: Input, w: UnitParams) -> State {
    return State(w.a * s.z + g.p);
}
