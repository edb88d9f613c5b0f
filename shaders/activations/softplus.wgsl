// Softplus: log(1 + exp(x)).
fn activation(x: f32) -> f32 { return softplus(x); }
