// Forward along given trials: states stay in `history`, outputs take the place of the errors there.
// Grid: one workgroup per (network, tile), one invocation per 4 units x 4 trials.
// Expects: math, threefry, network, quad, lane, noise, cell, forward, readout. Twin: the CPU executor's roll-out.

@group(0) @binding(0) var<storage, read> networks: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> dims: Dims;
@group(1) @binding(1) var<storage, read> bank: array<f32>;
@group(1) @binding(2) var<storage, read_write> history: array<vec4<f32>>;

@compute @workgroup_size(LANES)
fn roll_out(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let slot = group.y * dims.row_width + group.x;
    if slot >= dims.n_items { return; }
    let lane = lane_of(slot, index);
    forward(lane);
    readout(lane, false);
}
