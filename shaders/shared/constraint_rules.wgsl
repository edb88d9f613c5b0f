// Weights as used are factor form(parameter as trained), a rule per parameter of every network; parameters may be projected
// after a step. Twin: `recipe::Constraint` of the engine. Zero factors give exactly zero, whatever lies below.

@group(0) @binding(4) var<storage, read> rules: array<vec2<u32>>;  // [network][PARAMS]: factor, form | projection << 2 | frozen << 4

fn constraint_effective(at: u32, raw: f32) -> f32 {
    let factor = bitcast<f32>(rules[at].x);
    let form = rules[at].y & 3u;
    var value = raw;
    if form == 1u { value = abs(raw); }
    if form == 2u { value = max(raw, 0.0); }
    return select(factor * value, 0.0, factor == 0.0);
}

fn constraint_slope(at: u32, raw: f32) -> f32 {
    let factor = bitcast<f32>(rules[at].x);
    let form = rules[at].y & 3u;
    if factor == 0.0 || (rules[at].y >> 4u) != 0u { return 0.0; }
    if form == 1u { return factor * sign(raw); }
    if form == 2u { return select(0.0, factor, raw > 0.0); }
    return factor;
}

fn constraint_project(at: u32, raw: f32) -> f32 {
    let projection = (rules[at].y >> 2u) & 3u;
    if projection == 1u && raw <= 0.0 { return 0.0; }
    if projection == 2u && raw >= 0.0 { return 0.0; }
    return raw;
}

fn constraint_frozen(at: u32) -> bool { return (rules[at].y >> 4u) != 0u; }
