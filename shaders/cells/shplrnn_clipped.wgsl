// Clipped shallow piecewise linear network: z' = a z + W_q (relu(W_p z + h) - relu(W_p z)) + V x + b_q, bounded where all |a| < 1.
// The hidden layer has all units; the first `latent` of them also carry a state, the others hold 0.
struct State { z: f32 }
struct Hidden { p: f32 }
struct Latent { q: f32 }
struct UnitParams { a: f32, h: f32 }
struct Unit { index: f32 }
struct Constants { latent: f32 }

fn hidden_drive(s: State, i: Unit, k: Constants) -> f32 { return select(0.0, s.z, i.index < k.latent); }

fn latent_drive(s: State, g: Hidden, w: UnitParams) -> f32 { return max(g.p + w.h, 0.0) - max(g.p, 0.0); }

fn next(s: State, g: Hidden, l: Latent, w: UnitParams, i: Unit, k: Constants) -> State {
    return State(select(0.0, w.a * s.z + l.q, i.index < k.latent));
}
