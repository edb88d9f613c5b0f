// Gated linear attention with elementwise decay, one key and one value per unit: m' = sigmoid(f) m + k v, h' = q m', where
// f, k, v, q are affine in the input. A head of d > 1 has a d x d state made of outer products, which is no state of one unit.
struct State { h: f32, m: f32 }
struct Gates { f: f32, k: f32, v: f32, q: f32 }

fn gates_drive(s: State) -> f32 { return s.h; }

fn next(s: State, p: Gates) -> State {
    let m = sigmoid(p.f) * s.m + p.k * p.v;
    return State(p.q * m, m);
}
