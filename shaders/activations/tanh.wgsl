// Hyperbolic tangent.
fn activation(x: f32) -> f32 { return tanh(x); }
