// Penalties of activity, added to dL/d(output): strength mean(y^2) and strength mean(max(0, |y| - cap)^2) over the batch, and the
// effective dimension.
// `optimise` divides every partial gradient by the batch's weight, so these are multiplied by it here: the sum of the weights
// of the trials picked, which lie behind the trials in the bank.
// Expects: lane, quad, network, forward, dimension, cell (cell_output_at); binding bank.

var<private> activity_weight: f32;

fn activity_begin(lane: Lane) {
    var weight = 0.0;
    let first = dims.bank_trials * dims.n_steps * (INPUTS + 2u * OUTPUTS);
    for (var b = 0u; b < dims.batch; b++) { weight += bank[first + forward_trial(lane, b)]; }
    activity_weight = weight;
}

fn activity_slope(y: vec4<f32>, rate: f32, cap: vec2<f32>) -> vec4<f32> {
    return 2.0 * rate * y + 2.0 * cap.x * sign(y) * max(abs(y) - vec4<f32>(cap.y), vec4<f32>());
}

fn activity_add(lane: Lane, t: u32, dy: Quad) -> Quad {
    let slot = vec4<u32>(lane.tile * TRIALS + 4u * lane.quad) + vec4<u32>(0u, 1u, 2u, 3u);
    // A trial beyond the batch is not there.
    let weight = select(vec4<f32>(), vec4<f32>(activity_weight), slot < vec4<u32>(dims.batch));
    let live = weight / (f32(dims.batch) * f32(dims.n_steps) * f32(UNITS));
    let rate = network_rate(lane.network);
    let cap = network_rate_cap(lane.network);
    let out = lane_load_at(cell_output_at(lane, t, lane.quad) + 4u * lane.units * TRIAL_QUADS);
    let pointwise = Quad(dy.u0 + live * activity_slope(out.u0, rate, cap), dy.u1 + live * activity_slope(out.u1, rate, cap),
        dy.u2 + live * activity_slope(out.u2, rate, cap), dy.u3 + live * activity_slope(out.u3, rate, cap));
    return dimension_add(lane, out, weight, pointwise);
}
