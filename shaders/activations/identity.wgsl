// Identity: a linear network.
fn activation(x: f32) -> f32 { return x; }
