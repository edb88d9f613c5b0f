// Noise variates of a cell, drawn again in the backward pass instead of kept.
// key = threefry(noise key of the network, [step, slot of the batch]), counter = [time, unit * variates + variate].
// Expects: threefry, network, lane; const NOISES.

fn noise_one(lane: Lane, t: u32, unit: u32, variate: u32, trial: u32) -> f32 {
    let key = threefry(network_noise_key(lane.network), vec2<u32>(dims.step, lane.tile * TRIALS + trial));
    return threefry_normal(threefry(key, vec2<u32>(t, unit * NOISES + variate)));
}

fn noise_unit(lane: Lane, t: u32, unit: u32, variate: u32) -> vec4<f32> {
    let trial = 4u * lane.quad;
    return vec4<f32>(noise_one(lane, t, unit, variate, trial), noise_one(lane, t, unit, variate, trial + 1u),
        noise_one(lane, t, unit, variate, trial + 2u), noise_one(lane, t, unit, variate, trial + 3u));
}

fn noise_quad(lane: Lane, t: u32, variate: u32) -> Quad {
    let sd = network_noise(lane.network) * dims.limits.z;
    if dims.noise_on == 0u || sd == 0.0 { return quad_zero(); }
    let unit = 4u * lane.units;
    return Quad(sd * noise_unit(lane, t, unit, variate), sd * noise_unit(lane, t, unit + 1u, variate),
        sd * noise_unit(lane, t, unit + 2u, variate), sd * noise_unit(lane, t, unit + 3u, variate));
}

// Noise of one input channel at one step: counters above those of the cell's variates.
fn noise_input(lane: Lane, t: u32, channel: u32, quad: u32) -> vec4<f32> {
    var noise = vec4<f32>();
    let sd = network_input_noise(lane.network) * dims.limits.z;
    if dims.noise_on == 0u || sd == 0.0 { return noise; }
    for (var i = 0u; i < 4u; i++) {
        let key = threefry(network_noise_key(lane.network), vec2<u32>(dims.step, lane.tile * TRIALS + 4u * quad + i));
        noise[i] = sd * threefry_normal(threefry(key, vec2<u32>(t, 0x80000000u + channel)));
    }
    return noise;
}
