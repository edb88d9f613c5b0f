// Readout, cross-entropy and error of every time step at once: L = -sum mask_0 sum_o target_o log softmax(y)_o, the mask of
// output 0 being the weight of a time step. dL/dy = mask_0 (softmax(y) sum target - target), not yet divided.
// Expects: lane, math, readout_value; bindings bank, history.

fn readout_bank(trial: vec4<u32>, t: u32, entry: u32) -> vec4<f32> {
    let at = (trial * dims.n_steps + t) * (INPUTS + 2u * OUTPUTS) + INPUTS + entry;
    return vec4<f32>(bank[at.x], bank[at.y], bank[at.z], bank[at.w]);
}

fn readout(lane: Lane, with_targets: bool) -> vec2<f32> {
    var sums = vec2<f32>();
    let items = dims.n_steps * TRIAL_QUADS;
    for (var item = lane.index; item < items; item += LANES) {
        let quad = item % TRIAL_QUADS;
        let t = item / TRIAL_QUADS;
        let first = lane.history + lane_errors() + t * OUTPUTS * TRIAL_QUADS + quad;
        var largest = vec4<f32>(-3.0e38);
        for (var o = 0u; o < OUTPUTS; o++) {
            let y = readout_value(lane, t, o, quad);
            history[first + o * TRIAL_QUADS] = y;
            largest = max(largest, y);
        }
        if !with_targets { continue; }
        let trial = vec4<u32>(history[lane.history + quad]);
        let slot = vec4<u32>(lane.tile * TRIALS + 4u * quad) + vec4<u32>(0u, 1u, 2u, 3u);
        let mask = select(vec4<f32>(), readout_bank(trial, t, OUTPUTS), slot < vec4<u32>(dims.batch));
        var normaliser = vec4<f32>();
        var wanted_sum = vec4<f32>();
        var loss = vec4<f32>();
        for (var o = 0u; o < OUTPUTS; o++) {
            let y = history[first + o * TRIAL_QUADS] - largest;
            let wanted = readout_bank(trial, t, o);
            normaliser += vec4<f32>(math_exp(y.x), math_exp(y.y), math_exp(y.z), math_exp(y.w));
            wanted_sum += wanted;
            loss -= wanted * y;
        }
        loss += wanted_sum * log(normaliser);
        for (var o = 0u; o < OUTPUTS; o++) {
            let y = history[first + o * TRIAL_QUADS] - largest;
            let p = vec4<f32>(math_exp(y.x), math_exp(y.y), math_exp(y.z), math_exp(y.w)) / normaliser;
            history[first + o * TRIAL_QUADS] = mask * (wanted_sum * p - readout_bank(trial, t, o));
        }
        sums += vec2<f32>(dot(mask, loss), dot(mask, vec4<f32>(1.0)));
    }
    return readout_total(lane, sums);
}
