// Weights as used are the parameters as trained. Twin: constraint_rules.

fn constraint_effective(at: u32, raw: f32) -> f32 { return raw; }

fn constraint_slope(at: u32, raw: f32) -> f32 { return 1.0; }

fn constraint_project(at: u32, raw: f32) -> f32 { return raw; }

fn constraint_frozen(at: u32) -> bool { return false; }
