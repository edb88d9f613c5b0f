// From targets back to states, s = T target + c: T = W_out^+ over the units that are forced, c = -T b_out, by Newton's iteration
//   X <- X (2 I - W X)  from  X = W^T / (|W|_1 |W|_inf),
// products alone; it stops where X no longer moves, before what lies outside the rows of a deficient W has grown.
// Grid: one workgroup per network. Twin: the CPU executor's pseudo-inverse by singular values.

@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;      // [network][WEIGHTS]
@group(0) @binding(5) var<storage, read_write> teacher: array<f32>;      // [network][unit][TEACHER_ROW]: T [output], c, 1 where forced
@group(1) @binding(1) var<storage, read_write> products: array<f32>;     // [network]: X (2 I - W X) [unit][output], W X [output][output]

const INVERT_LANES: u32 = 256u;
const INVERT_ROUNDS: u32 = 64u;
const INVERT_STILL: f32 = 1e-5;
var<workgroup> invert_most: array<vec2<f32>, INVERT_LANES>;  // largest change, largest entry

fn invert_row(network: u32, unit: u32) -> u32 { return (network * UNITS + unit) * TEACHER_ROW; }

fn invert_weight(network: u32, o: u32, unit: u32) -> f32 {
    let w = weights[network * WEIGHTS + WEIGHT_READOUT + o * UNIT_QUADS + unit / 4u][unit % 4u];
    return select(0.0, w, teacher[invert_row(network, unit) + OUTPUTS + 1u] != 0.0);
}

// 1 / (largest column sum x largest row sum); 0 for a readout of zeros, whose pseudo-inverse is zero.
fn invert_scale(network: u32) -> f32 {
    var by_column = 0.0;
    var by_row = 0.0;
    for (var unit = 0u; unit < UNITS; unit++) {
        var sum = 0.0;
        for (var o = 0u; o < OUTPUTS; o++) { sum += abs(invert_weight(network, o, unit)); }
        by_column = max(by_column, sum);
    }
    for (var o = 0u; o < OUTPUTS; o++) {
        var sum = 0.0;
        for (var unit = 0u; unit < UNITS; unit++) { sum += abs(invert_weight(network, o, unit)); }
        by_row = max(by_row, sum);
    }
    let norms = by_column * by_row;
    return select(1.0 / norms, 0.0, norms == 0.0);
}

@compute @workgroup_size(INVERT_LANES)
fn invert_readout(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let network = group.x;
    let next = network * (UNITS + OUTPUTS) * OUTPUTS;
    let product = next + UNITS * OUTPUTS;
    let scale = invert_scale(network);
    for (var unit = index; unit < UNITS; unit += INVERT_LANES) {
        for (var o = 0u; o < OUTPUTS; o++) { teacher[invert_row(network, unit) + o] = scale * invert_weight(network, o, unit); }
    }
    for (var round = 0u; round < INVERT_ROUNDS; round++) {
        storageBarrier();
        for (var item = index; item < OUTPUTS * OUTPUTS; item += INVERT_LANES) {
            var sum = 0.0;
            for (var unit = 0u; unit < UNITS; unit++) {
                sum = fma(invert_weight(network, item / OUTPUTS, unit), teacher[invert_row(network, unit) + item % OUTPUTS], sum);
            }
            products[product + item] = sum;
        }
        storageBarrier();
        var most = vec2<f32>();
        for (var unit = index; unit < UNITS; unit += INVERT_LANES) {
            let row = invert_row(network, unit);
            for (var o = 0u; o < OUTPUTS; o++) {
                var x = 2.0 * teacher[row + o];
                for (var k = 0u; k < OUTPUTS; k++) { x = fma(-teacher[row + k], products[product + k * OUTPUTS + o], x); }
                products[next + unit * OUTPUTS + o] = x;
                most = max(most, vec2<f32>(abs(x - teacher[row + o]), abs(x)));
            }
            for (var o = 0u; o < OUTPUTS; o++) { teacher[row + o] = products[next + unit * OUTPUTS + o]; }
        }
        invert_most[index] = most;
        workgroupBarrier();
        for (var half = INVERT_LANES / 2u; half > 0u; half /= 2u) {
            if index < half { invert_most[index] = max(invert_most[index], invert_most[index + half]); }
            workgroupBarrier();
        }
        let all = workgroupUniformLoad(&invert_most[0]);
        if all.x <= INVERT_STILL * all.y { break; }
    }
    for (var unit = index; unit < UNITS; unit += INVERT_LANES) {
        let row = invert_row(network, unit);
        var c = 0.0;
        for (var o = 0u; o < OUTPUTS; o++) {
            c = fma(-teacher[row + o], weights[network * WEIGHTS + WEIGHT_READOUT_BIAS + o / 4u][o % 4u], c);
        }
        teacher[row + OUTPUTS] = c;
    }
}
