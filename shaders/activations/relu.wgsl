// Rectified linear unit; its derivative at 0 is 0.
fn activation(x: f32) -> f32 { return max(x, 0.0); }
