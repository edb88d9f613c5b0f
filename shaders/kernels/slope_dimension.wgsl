// Slope of the effective dimension (tr C)^2 / tr C^2 by what the readout sees, C its covariance over the batch: (y - mean) G with
//   G = 2 strength / count (2 tr C / tr C^2 I - 2 (tr C)^2 / (tr C^2)^2 C).
// No activity, no dimension: zeros. Tiles are put together about the mean of all.
// Grid: one workgroup per network. Expects: math, dims, network. Twin: `Activity::set_moments` of the CPU executor.

@group(0) @binding(0) var<storage, read> networks: array<u32>;
@group(0) @binding(6) var<storage, read_write> slopes: array<f32>;        // [network][UNITS + 1][padded unit]: G, mean
@group(1) @binding(0) var<uniform> dims: Dims;
@group(1) @binding(3) var<storage, read> tile_moments: array<f32>;        // [network][tile][UNITS + 1][UNITS]: products, mean

const SLOPE_LANES: u32 = 256u;
const SLOPE_ROW: u32 = 4u * UNIT_QUADS;
var<workgroup> slope_sums: array<vec2<f32>, SLOPE_LANES>;  // tr C, tr C^2

fn slope_tile(network: u32, index: u32) -> u32 { return (network * dims.n_tiles + index) * (UNITS + 1u) * UNITS; }

fn slope_count(index: u32) -> f32 { return f32(min(4u * TRIAL_QUADS, dims.batch - index * 4u * TRIAL_QUADS) * dims.n_steps); }

fn slope_mean(network: u32, unit: u32) -> f32 {
    var sum = 0.0;
    for (var k = 0u; k < dims.n_tiles; k++) {
        sum = fma(slope_count(k), tile_moments[slope_tile(network, k) + UNITS * UNITS + unit], sum);
    }
    return sum / f32(dims.batch * dims.n_steps);
}

fn slope_covariance(network: u32, i: u32, j: u32, means: u32) -> f32 {
    var sum = 0.0;
    for (var k = 0u; k < dims.n_tiles; k++) {
        let at = slope_tile(network, k);
        let of_i = tile_moments[at + UNITS * UNITS + i] - slopes[means + i];
        let of_j = tile_moments[at + UNITS * UNITS + j] - slopes[means + j];
        sum += fma(slope_count(k) * of_i, of_j, tile_moments[at + i * UNITS + j]);
    }
    return sum / f32(dims.batch * dims.n_steps);
}

@compute @workgroup_size(SLOPE_LANES)
fn slope_dimension(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let network = group.x;
    let first = network * (UNITS + 1u) * SLOPE_ROW;
    let means = first + UNITS * SLOPE_ROW;
    for (var unit = index; unit < SLOPE_ROW; unit += SLOPE_LANES) {
        slopes[means + unit] = 0.0;
        if unit < UNITS { slopes[means + unit] = slope_mean(network, unit); }
    }
    storageBarrier();
    var sums = vec2<f32>();
    for (var item = index; item < UNITS * SLOPE_ROW; item += SLOPE_LANES) {
        let i = item / SLOPE_ROW;
        let j = item % SLOPE_ROW;
        var c = 0.0;
        if j < UNITS { c = slope_covariance(network, i, j, means); }
        slopes[first + item] = c;
        sums += vec2<f32>(select(0.0, c, i == j), c * c);
    }
    slope_sums[index] = sums;
    workgroupBarrier();
    for (var half = SLOPE_LANES / 2u; half > 0u; half /= 2u) {
        if index < half { slope_sums[index] += slope_sums[index + half]; }
        workgroupBarrier();
    }
    let trace = slope_sums[0].x;
    let squares = slope_sums[0].y;
    var one = 0.0;
    var two = 0.0;
    if squares > 0.0 && !math_not_finite(squares) {
        let factor = 2.0 * network_dimension(network) / f32(dims.batch * dims.n_steps);
        one = factor * 2.0 * trace / squares;
        two = one * trace / squares;
    }
    // An invocation scales the entries it wrote.
    for (var item = index; item < UNITS * SLOPE_ROW; item += SLOPE_LANES) {
        let on = select(0.0, one, item / SLOPE_ROW == item % SLOPE_ROW);
        var g = 0.0;
        if two != 0.0 { g = fma(-two, slopes[first + item], on); }
        slopes[first + item] = g;
    }
}
