// Antisymmetric network: h' = h + step f((W - diffusion I) h + V x + b). W = A - A^T is a restriction of the weights, not of
// this file: see `antisymmetric` of the sidecar.
struct State { h: f32 }
struct Input { a: f32 }
struct Constants { step: f32, diffusion: f32 }

fn input_drive(s: State) -> f32 { return s.h; }

fn next(s: State, p: Input, k: Constants) -> State {
    return State(s.h + k.step * activation(p.a - k.diffusion * s.h));
}
