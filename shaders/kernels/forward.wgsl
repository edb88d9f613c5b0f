// Phases before the loss: pick the tile's trials, copy their inputs to [time][input][quad], run the cell along time.
// Expects: lane, network, threefry, noise, cell; bindings bank, history; const ORDER.

const DRAWN: u32 = 0u;
const OWN: u32 = 2u;

// Trial of the bank in slot b of the batch; slots beyond the batch repeat slot 0 and weigh nothing.
fn forward_trial(lane: Lane, b: u32) -> u32 {
    let slot = select(0u, b, b < dims.batch);
    let order = network_order(lane.network);
    if ORDER == DRAWN { return threefry(order, vec2<u32>(dims.step, slot)).x % dims.bank_trials; }
    if ORDER == OWN {
        let own = dims.bank_trials / order.y;
        return order.x * own + dims.step % (own / dims.batch) * dims.batch + slot;
    }
    return min(slot, dims.bank_trials - 1u);
}

fn forward_load(lane: Lane) {
    // Trial numbers are below 2^24 (the host checks), so f32 holds them.
    for (var quad = lane.index; quad < TRIAL_QUADS; quad += LANES) {
        let b = lane.tile * TRIALS + 4u * quad;
        history[lane.history + quad] = vec4<f32>(f32(forward_trial(lane, b)), f32(forward_trial(lane, b + 1u)),
            f32(forward_trial(lane, b + 2u)), f32(forward_trial(lane, b + 3u)));
    }
    storageBarrier();
    let items = dims.n_steps * INPUTS * TRIAL_QUADS;
    for (var item = lane.index; item < items; item += LANES) {
        let trial = vec4<u32>(history[lane.history + item % TRIAL_QUADS]);
        let row = item / TRIAL_QUADS;
        let at = (trial * dims.n_steps + row / INPUTS) * (INPUTS + 2u * OUTPUTS) + row % INPUTS;
        let noise = noise_input(lane, row / INPUTS, row % INPUTS, item % TRIAL_QUADS);
        history[lane.history + lane_inputs() + item] = vec4<f32>(bank[at.x], bank[at.y], bank[at.z], bank[at.w]) + noise;
    }
    storageBarrier();
}

fn forward(lane: Lane) {
    forward_load(lane);
    cell_start(lane);
    for (var t = 0u; t < dims.n_steps; t++) {
        cell_forward(lane, t);
    }
    storageBarrier();
}
