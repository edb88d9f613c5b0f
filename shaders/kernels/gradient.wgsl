// Weight gradients as products over time and trials, latest time first, once all gate errors are known:
// dW_g = sum over t, trials of delta_g (x) drive; dV_g with the input; db_g with 1; the readout likewise with its error.
// Expects: lane, quad, cell; bindings history, partials; consts PARAMS and the PARAM_ offsets.

fn gradient_put(lane: Lane, param: u32, value: f32) {
    partials[lane.partial * (PARAMS + 2u) + param] = value;
}

// [to, from]
fn gradient_recurrent(lane: Lane, param: u32, delta: u32, drive: u32) {
    for (var item = lane.index; item < UNIT_QUADS * UNIT_QUADS; item += LANES) {
        let u = 4u * (item / UNIT_QUADS);
        let j = 4u * (item % UNIT_QUADS);
        var acc = mat4x4<f32>();
        for (var i = 0u; i < dims.n_steps; i++) {
            let t = dims.n_steps - 1u - i;
            for (var q = 0u; q < TRIAL_QUADS; q++) {
                acc = quad_inner(acc, lane_load_at(lane_row(lane, t, delta, u, q)), lane_load_at(lane_row(lane, t, drive, j, q)));
            }
        }
        for (var a = 0u; a < min(4u, UNITS - u); a++) {
            for (var b = 0u; b < min(4u, UNITS - j); b++) {
                gradient_put(lane, param + (u + a) * UNITS + j + b, acc[a][b]);
            }
        }
    }
}

// [to, input] and, as one more input that is always 1, the bias; a gate that lacks one has its offset at NONE.
fn gradient_input(lane: Lane, param: u32, bias: u32, delta: u32) {
    for (var item = lane.index; item < UNIT_QUADS * (INPUTS + 1u); item += LANES) {
        let u = 4u * (item / (INPUTS + 1u));
        let channel = item % (INPUTS + 1u);
        let is_bias = channel == INPUTS;
        if (is_bias && bias == NONE) || (!is_bias && param == NONE) { continue; }
        var acc = vec4<f32>();
        for (var i = 0u; i < dims.n_steps; i++) {
            let t = dims.n_steps - 1u - i;
            for (var q = 0u; q < TRIAL_QUADS; q++) {
                var x = vec4<f32>(1.0);
                if !is_bias { x = lane_input(lane, t, channel, q); }
                acc += quad_dot(lane_load_at(lane_row(lane, t, delta, u, q)), x);
            }
        }
        for (var a = 0u; a < min(4u, UNITS - u); a++) {
            gradient_put(lane, select(param + (u + a) * INPUTS + channel, bias + u + a, is_bias), acc[a]);
        }
    }
}

// [output, unit] and [output]
fn gradient_readout(lane: Lane) {
    for (var item = lane.index; item < OUTPUTS * (UNIT_QUADS + 1u); item += LANES) {
        let o = item / (UNIT_QUADS + 1u);
        let i = item % (UNIT_QUADS + 1u);
        var acc = vec4<f32>();
        for (var back = 0u; back < dims.n_steps; back++) {
            let t = dims.n_steps - 1u - back;
            for (var q = 0u; q < TRIAL_QUADS; q++) {
                let error = lane_error(lane, t, o, q);
                if i == UNIT_QUADS { acc.x += dot(error, vec4<f32>(1.0)); continue; }
                acc += quad_dot(lane_load_at(cell_output_at(lane, t, q) + 4u * i * TRIAL_QUADS), error);
            }
        }
        if i == UNIT_QUADS { gradient_put(lane, PARAM_READOUT_BIAS + o, acc.x); continue; }
        for (var a = 0u; a < min(4u, UNITS - 4u * i); a++) {
            gradient_put(lane, PARAM_READOUT + o * UNITS + 4u * i + a, acc[a]);
        }
    }
}

// [unit], from values already summed over time: vec4s of trials [unit][quad] from `at`.
fn gradient_unit(lane: Lane, param: u32, at: u32) {
    for (var u = lane.index; u < UNITS; u += LANES) {
        var acc = 0.0;
        for (var q = 0u; q < TRIAL_QUADS; q++) {
            acc += dot(history[at + u * TRIAL_QUADS + q], vec4<f32>(1.0));
        }
        gradient_put(lane, param + u, acc);
    }
}
