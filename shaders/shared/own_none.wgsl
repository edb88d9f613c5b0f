// No penalty of the user's own. Twin: the generated `own`.

fn own_slope(network: u32, part: u32, w: f32) -> f32 { return 0.0; }
