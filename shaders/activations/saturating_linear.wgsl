// Saturating linear unit: x between -1 and 1, flat beyond; its derivative at the borders is 0.
fn activation(x: f32) -> f32 { return clamp(x, -1.0, 1.0); }
