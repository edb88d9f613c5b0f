// Sum of the partial gradients, division by the batch's sum of the mask, clip of the global norm, Adam:
//   g = clip(sum over tiles / mask), m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, p -= rate m_hat / (sqrt v_hat + eps).
// Status: active & finite -> step; active & not finite -> diverged at this step, frozen for good; not active -> nothing.
// Grid: one workgroup per network. Expects: math, network, Dims. Tree order is fixed: tiles in turn, then halves of lanes.

@group(0) @binding(0) var<storage, read> networks: array<u32>;
@group(0) @binding(1) var<storage, read_write> status: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> params: array<f32>;        // [network][PARAMS]
@group(1) @binding(0) var<uniform> dims: Dims;
@group(1) @binding(3) var<storage, read_write> partials: array<f32>;      // [network][tile][PARAMS, loss, mask]; the sum replaces tile 0
@group(1) @binding(4) var<storage, read_write> moments: array<vec2<f32>>; // [network][PARAMS]: first, second

const OPTIMISE_LANES: u32 = 256u;
var<workgroup> optimise_squares: array<f32, OPTIMISE_LANES>;
var<workgroup> optimise_bad: array<u32, OPTIMISE_LANES>;

fn optimise_sum(network: u32, entry: u32) -> f32 {
    var sum = 0.0;
    for (var tile_index = 0u; tile_index < dims.n_tiles; tile_index++) {
        sum += partials[(network * dims.n_tiles + tile_index) * (PARAMS + 2u) + entry];
    }
    return sum;
}

@compute @workgroup_size(OPTIMISE_LANES)
fn optimise(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let network = group.y * dims.row_width + group.x;
    if network >= dims.n_networks { return; }
    let first = network * dims.n_tiles * (PARAMS + 2u);
    let alive = status[network].x != 0u;
    let mask = optimise_sum(network, PARAMS + 1u);
    let loss = optimise_sum(network, PARAMS) / mask;
    let trained = select(PARAM_INITIAL_STATE, PARAMS, dims.correction.z != 0.0);
    var squares = 0.0;
    var bad = u32(math_not_finite(loss));
    for (var p = index; alive && p < PARAMS; p += OPTIMISE_LANES) {
        let g = optimise_sum(network, p) / mask;
        partials[first + p] = g;
        if p >= trained { continue; }
        bad |= u32(math_not_finite(g));
        squares = fma(g, g, squares);
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
    if !alive || stop || dims.correction.w == 0.0 { return; }
    let clip = dims.adam.w;
    let scale = select(1.0, clip / norm, norm > clip);
    let rate = network_learning_rate(network) * dims.correction.w;
    for (var p = index; p < trained; p += OPTIMISE_LANES) {
        let g = partials[first + p] * scale;
        let before = moments[network * PARAMS + p];
        let m = fma(dims.adam.x, before.x, (1.0 - dims.adam.x) * g);
        let v = fma(dims.adam.y, before.y, (1.0 - dims.adam.y) * g * g);
        moments[network * PARAMS + p] = vec2<f32>(m, v);
        params[network * PARAMS + p] -= rate * (m * dims.correction.x) / (sqrt(v * dims.correction.y) + dims.adam.z);
    }
}
