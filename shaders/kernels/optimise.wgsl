// Sum of the partial gradients, division by the batch's weight, penalties of single weights, adjoint of the constraint, clip,
// and one optimiser step of the common form (`Update` of the engine):
//   m = decay1 m + gain1 g, v = decay2 v + gain2 g^2, p -= rate scale1 m / (sqrt(scale2 v) + epsilon).
// Status: active & finite -> step; active & not finite -> diverged at this step, frozen for good; not active -> nothing.
// Grid: one workgroup per network. Expects: math, network, constraint, own, reduce, gather, Dims, optimise_part. Tree order is fixed: tiles in turn,
// then halves of lanes.

@group(0) @binding(0) var<storage, read> networks: array<u32>;
@group(0) @binding(1) var<storage, read_write> status: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> params: array<f32>;        // [network][PARAMS]
@group(1) @binding(0) var<uniform> dims: Dims;
@group(1) @binding(3) var<storage, read_write> partials: array<f32>;      // [network][tile][PARAMS, loss, mask]; the sum replaces tile 0
@group(1) @binding(4) var<storage, read_write> moments: array<vec2<f32>>; // [network][PARAMS]: first, second

const OPTIMISE_LANES: u32 = 256u;
var<workgroup> optimise_squares: array<f32, OPTIMISE_LANES>;
var<workgroup> optimise_bad: array<u32, OPTIMISE_LANES>;

@compute @workgroup_size(OPTIMISE_LANES)
fn optimise(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let network = group.y * dims.row_width + group.x;
    if network >= dims.n_networks { return; }
    let first = network * dims.n_tiles * (PARAMS + 2u);
    let alive = status[network].x != 0u;
    let mask = reduce_sum(network, PARAMS + 1u);
    let loss = reduce_sum(network, PARAMS) / mask;
    let trained = select(PARAM_INITIAL_STATE, PARAMS, (dims.flags & 4u) != 0u);
    var squares = 0.0;
    var bad = u32(math_not_finite(loss));
    for (var p = index; alive && p < PARAMS; p += OPTIMISE_LANES) {
        var g = gather(network, p, mask);
        bad |= select(0u, u32(math_not_finite(g)), p < trained);
        g = clamp(g, -dims.limits.y, dims.limits.y);
        partials[first + p] = g;
        if p < trained { squares = fma(g, g, squares); }
    }
    optimise_squares[index] = squares;
    optimise_bad[index] = bad;
    storageBarrier();
    workgroupBarrier();
    for (var half = OPTIMISE_LANES / 2u; half > 0u; half /= 2u) {
        if index < half {
            optimise_squares[index] += optimise_squares[index + half];
            optimise_bad[index] |= optimise_bad[index + half];
        }
        workgroupBarrier();
    }
    let norm = sqrt(optimise_squares[0]);
    let stop = optimise_bad[0] != 0u;
    if index == 0u && alive {
        if stop { status[network] = vec4<u32>(0u, 1u, dims.step, dims.step_high); }
        partials[first + PARAMS] = loss;
    }
    if !alive || stop || (dims.flags & 8u) == 0u { return; }
    let clip = dims.limits.x;
    let scale = select(1.0, clip / norm, norm > clip);
    let rate = network_learning_rate(network) * dims.scales.w;
    let decay = network_weight_decay(network);
    let decoupled = (dims.flags & 2u) != 0u;
    for (var p = index; p < trained; p += OPTIMISE_LANES) {
        let at = network * PARAMS + p;
        if constraint_frozen(at) { continue; }
        let g = fma(select(decay, 0.0, decoupled), params[at], partials[first + p] * scale);
        let m = fma(dims.update.x, moments[at].x, dims.update.y * g);
        let v = fma(dims.update.z, moments[at].y, dims.update.w * g * g);
        moments[at] = vec2<f32>(m, v);
        var moved = rate * (m * dims.scales.x);
        if (dims.flags & 1u) != 0u { moved /= sqrt(v * dims.scales.y) + dims.scales.z; }
        let beside = select(0.0, rate * decay, decoupled);
        params[at] = constraint_project(at, params[at] - fma(beside, params[at], moved));
    }
}
