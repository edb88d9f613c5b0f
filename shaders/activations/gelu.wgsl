// Gaussian error linear unit, exact form: x times the standard normal distribution function of x.
fn activation(x: f32) -> f32 { return 0.5 * x * (1.0 + erf(0.70710677 * x)); }
