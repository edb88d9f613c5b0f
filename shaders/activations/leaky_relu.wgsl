// Leaky rectified linear unit: x above 0, slope x below; its derivative at 0 is that below.
struct Shape { slope: f32 }
fn activation(x: f32, k: Shape) -> f32 { return select(k.slope * x, x, x > 0.0); }
