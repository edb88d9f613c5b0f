// Logistic function of a given slope about a given point: 1 / (1 + exp(-slope (x - shift))).
struct Shape { slope: f32, shift: f32 }
fn activation(x: f32, k: Shape) -> f32 { return sigmoid(k.slope * (x - k.shift)); }
