// What the readout sees over a tile's trials and steps: its mean, and its products about that mean. The covariance of a batch needs
// all of its tiles before anything goes backward.
// Grid: one workgroup per (network, tile), one invocation per 4 units x 4 trials.
// Expects: math, threefry, network, quad, lane, noise, cell, forward. Twin: the CPU executor's moments.

@group(0) @binding(0) var<storage, read> networks: array<u32>;
@group(0) @binding(1) var<storage, read> status: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> dims: Dims;
@group(1) @binding(1) var<storage, read> bank: array<f32>;
@group(1) @binding(2) var<storage, read_write> history: array<vec4<f32>>;
@group(1) @binding(3) var<storage, read_write> tile_moments: array<f32>;  // [network][tile][UNITS + 1][UNITS]: products, mean

// 1 for trials of the batch: those beyond it are not there.
fn measure_live(lane: Lane, quad: u32) -> vec4<f32> {
    let slot = vec4<u32>(lane.tile * TRIALS + 4u * quad) + vec4<u32>(0u, 1u, 2u, 3u);
    return vec4<f32>(slot < vec4<u32>(dims.batch));
}

fn measure_centred(lane: Lane, t: u32, quad: u32, unit: u32, mean: vec4<f32>) -> Quad {
    return quad_sub(lane_load_at(cell_output_at(lane, t, quad) + unit * TRIAL_QUADS), quad_broadcast(mean));
}

fn measure_mean(at: u32, unit: u32) -> vec4<f32> {
    let last = vec4<u32>(UNITS - 1u);
    let i = at + min(vec4<u32>(unit, unit + 1u, unit + 2u, unit + 3u), last);
    return vec4<f32>(tile_moments[i.x], tile_moments[i.y], tile_moments[i.z], tile_moments[i.w]);
}

@compute @workgroup_size(LANES)
fn measure_activity(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let slot = group.y * dims.row_width + group.x;
    if slot >= dims.n_items { return; }
    let lane = lane_of(slot, index);
    if status[lane.network].x == 0u { return; }
    forward(lane);
    let first = lane.partial * (UNITS + 1u) * UNITS;
    let mean = first + UNITS * UNITS;
    let count = f32(min(TRIALS, dims.batch - lane.tile * TRIALS) * dims.n_steps);
    for (var unit = index; unit < UNITS; unit += LANES) {
        var sum = vec4<f32>();
        for (var t = 0u; t < dims.n_steps; t++) {
            for (var q = 0u; q < TRIAL_QUADS; q++) {
                sum += measure_live(lane, q) * history[cell_output_at(lane, t, q) + unit * TRIAL_QUADS];
            }
        }
        tile_moments[mean + unit] = dot(sum, vec4<f32>(1.0)) / count;
    }
    storageBarrier();
    for (var item = index; item < UNIT_QUADS * UNIT_QUADS; item += LANES) {
        let u = 4u * (item / UNIT_QUADS);
        let j = 4u * (item % UNIT_QUADS);
        let of_u = measure_mean(mean, u);
        let of_j = measure_mean(mean, j);
        var acc = mat4x4<f32>();
        for (var t = 0u; t < dims.n_steps; t++) {
            for (var q = 0u; q < TRIAL_QUADS; q++) {
                let live = measure_live(lane, q);
                let a = measure_centred(lane, t, q, u, of_u);
                acc = quad_inner(acc, Quad(live * a.u0, live * a.u1, live * a.u2, live * a.u3), measure_centred(lane, t, q, j, of_j));
            }
        }
        for (var a = 0u; a < min(4u, UNITS - u); a++) {
            for (var b = 0u; b < min(4u, UNITS - j); b++) { tile_moments[first + (u + a) * UNITS + j + b] = acc[a][b]; }
        }
    }
}
