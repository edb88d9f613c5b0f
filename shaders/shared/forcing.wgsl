// Teacher forcing: after step t the state that the readout sees is moved to its signal, on the units that are forced:
//   z = (1 - a) z + a s,  s = T target + c.
// Adjoints of z are scaled by 1 - a, and no gradient passes through the signal. The readout sees z as it was: a field of its own.
// Expects: dims, lane, quad, network; bindings bank, history; const TEACHER_ROW. Twin: the CPU executor's forcing.

@group(0) @binding(5) var<storage, read> teacher: array<f32>;  // [network][unit][TEACHER_ROW]: T [output], c, 1 where forced

// Trials begin where their first target is; an evaluation runs free from there.
fn forcing_share(lane: Lane, t: u32) -> f32 {
    if t == 0u { return 1.0; }
    if (dims.flags & 16u) == 0u { return 0.0; }
    let every = network_forcing_every(lane.network);
    if every > 0u && t % every == 0u { return 1.0; }
    return network_forcing_alpha(lane.network);
}

// Units of the padding read the last unit's row; what they give is masked.
fn forcing_row(lane: Lane, unit: u32) -> u32 {
    return (lane.network * UNITS + min(4u * lane.units + unit, UNITS - 1u)) * TEACHER_ROW;
}

fn forcing_unit(lane: Lane, t: u32, unit: u32, share: f32, z: vec4<f32>) -> vec4<f32> {
    let row = forcing_row(lane, unit);
    if teacher[row + OUTPUTS + 1u] == 0.0 { return z; }
    let trial = vec4<u32>(history[lane.history + lane.quad]);
    let at = (trial * dims.n_steps + t) * (INPUTS + 2u * OUTPUTS) + INPUTS;
    var s = vec4<f32>(teacher[row + OUTPUTS]);
    for (var o = 0u; o < OUTPUTS; o++) {
        s = fma(vec4<f32>(teacher[row + o]), vec4<f32>(bank[at.x + o], bank[at.y + o], bank[at.z + o], bank[at.w + o]), s);
    }
    if share == 1.0 { return s; }
    return (1.0 - share) * z + share * s;
}

fn forcing_state(lane: Lane, t: u32, z: Quad) -> Quad {
    let share = forcing_share(lane, t);
    if share == 0.0 { return z; }
    return Quad(forcing_unit(lane, t, 0u, share, z.u0), forcing_unit(lane, t, 1u, share, z.u1),
        forcing_unit(lane, t, 2u, share, z.u2), forcing_unit(lane, t, 3u, share, z.u3));
}

fn forcing_rest(lane: Lane, unit: u32, share: f32) -> f32 {
    return select(1.0, 1.0 - share, teacher[forcing_row(lane, unit) + OUTPUTS + 1u] != 0.0);
}

fn forcing_adjoint(lane: Lane, t: u32, carry: Quad) -> Quad {
    let share = forcing_share(lane, t);
    if share == 0.0 { return carry; }
    return Quad(forcing_rest(lane, 0u, share) * carry.u0, forcing_rest(lane, 1u, share) * carry.u1,
        forcing_rest(lane, 2u, share) * carry.u2, forcing_rest(lane, 3u, share) * carry.u3);
}
