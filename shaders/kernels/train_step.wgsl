// Forward, masked squared error and backward through time of a wave of (network, tile of trials) pairs.
// Grid: one workgroup per pair, one invocation per 4 units x 4 trials.
// Expects: math, threefry, network, quad, lane, noise, cell, forward, readout, backward.
// Twin: the CPU executor's training step; the sums are in another order.

@group(0) @binding(0) var<storage, read> networks: array<u32>;           // [network][NETWORK_WORDS]
@group(0) @binding(1) var<storage, read> status: array<vec4<u32>>;       // [network]: active, diverged, step, step high
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;      // [network][WEIGHTS]
@group(1) @binding(0) var<uniform> dims: Dims;
@group(1) @binding(1) var<storage, read> bank: array<f32>;               // [trial][time][input, target, mask]
@group(1) @binding(2) var<storage, read_write> history: array<vec4<f32>>;
@group(1) @binding(3) var<storage, read_write> partials: array<f32>;     // [network][tile][PARAMS, loss, mask]

@compute @workgroup_size(LANES)
fn train_step(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let slot = group.y * dims.row_width + group.x;
    if slot >= dims.n_items { return; }
    let lane = lane_of(slot, index);
    if status[lane.network].x == 0u { return; }
    forward(lane);
    let sums = readout(lane, true);
    backward(lane);
    cell_gradient(lane);
    if index == 0u {
        gradient_put(lane, PARAMS, sums.x);
        gradient_put(lane, PARAMS + 1u, sums.y);
    }
}
