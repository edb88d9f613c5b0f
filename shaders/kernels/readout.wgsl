// Readout, loss and error of every time step at once: y = W_out out + b_out, L = sum mask (y - target)^2.
// The error kept is dL/dy = 2 mask (y - target), not yet divided by the batch's sum of the mask: `optimise` divides, once.
// Expects: lane, cell (cell_output_at); bindings bank, weights, history; consts WEIGHT_READOUT, WEIGHT_READOUT_BIAS, ALL_MEAN.

// Writes errors (or, where there are no targets, outputs) and returns the tile's (loss, sum of mask) to all lanes.
fn readout(lane: Lane, with_targets: bool) -> vec2<f32> {
    var sums = vec2<f32>();
    let items = dims.n_steps * OUTPUTS * TRIAL_QUADS;
    for (var item = lane.index; item < items; item += LANES) {
        let quad = item % TRIAL_QUADS;
        let row = item / TRIAL_QUADS;
        let t = row / OUTPUTS;
        let channel = row % OUTPUTS;
        let y = readout_value(lane, t, channel, quad);
        if !with_targets {
            history[lane.history + lane_errors() + item] = y;
            continue;
        }
        let trial = vec4<u32>(history[lane.history + quad]);
        let at = (trial * dims.n_steps + t) * (INPUTS + 2u * OUTPUTS) + INPUTS + channel;
        let slot = vec4<u32>(lane.tile * TRIALS + 4u * quad) + vec4<u32>(0u, 1u, 2u, 3u);
        let target_y = vec4<f32>(bank[at.x], bank[at.y], bank[at.z], bank[at.w]);
        let listed = vec4<f32>(bank[at.x + OUTPUTS], bank[at.y + OUTPUTS], bank[at.z + OUTPUTS], bank[at.w + OUTPUTS]);
        // select, not a product: a trial beyond the batch adds exactly nothing.
        let mask = select(vec4<f32>(), listed, slot < vec4<u32>(dims.batch));
        let error = mask * (y - target_y);
        history[lane.history + lane_errors() + item] = 2.0 * error;
        let counted = select(mask, vec4<f32>(slot < vec4<u32>(dims.batch)), ALL_MEAN);
        sums += vec2<f32>(dot(error, y - target_y), dot(counted, vec4<f32>(1.0)));
    }
    return readout_total(lane, sums);
}
