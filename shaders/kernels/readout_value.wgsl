// What every readout shares: y = W_out out + b_out of one channel, four trials at a time, and the sum over a tile's lanes.
// Expects: lane, cell (cell_output_at); bindings weights, history; consts WEIGHT_READOUT, WEIGHT_READOUT_BIAS.

fn readout_value(lane: Lane, t: u32, channel: u32, quad: u32) -> vec4<f32> {
    var y = vec4<f32>(weights[lane.weights + WEIGHT_READOUT_BIAS + channel / 4u][channel % 4u]);
    var at = cell_output_at(lane, t, quad);
    for (var i = 0u; i < UNIT_QUADS; i++) {
        let w = weights[lane.weights + WEIGHT_READOUT + channel * UNIT_QUADS + i];
        let out = lane_load_at(at);
        y = fma(vec4<f32>(w.x), out.u0, y);
        y = fma(vec4<f32>(w.y), out.u1, y);
        y = fma(vec4<f32>(w.z), out.u2, y);
        y = fma(vec4<f32>(w.w), out.u3, y);
        at += 4u * TRIAL_QUADS;
    }
    return y;
}

// The tile's sum, in the order of the lanes, to all of them.
fn readout_total(lane: Lane, sums: vec2<f32>) -> vec2<f32> {
    workgroupBarrier();
    tile[lane.index] = vec4<f32>(sums, 0.0, 0.0);
    storageBarrier();
    workgroupBarrier();
    var total = vec2<f32>();
    for (var i = 0u; i < LANES; i++) { total += tile[i].xy; }
    workgroupBarrier();
    return total;
}
