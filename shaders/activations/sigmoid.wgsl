// Logistic function of a given slope: 1 / (1 + exp(-slope x)).
struct Shape { slope: f32 }
fn activation(x: f32, k: Shape) -> f32 { return sigmoid(k.slope * x); }
