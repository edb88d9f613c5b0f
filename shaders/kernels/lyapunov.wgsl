// Growth of tangents along an orbit: the leading Lyapunov exponents of every network.
//   V = J Q by the derived Jacobian-vector product; V = Q' R by modified Gram-Schmidt done twice; growth_j = product of R_jj.
// Grid: one workgroup per network, one invocation per 4 units x 4 tangents; the state stands in all trials of the tile alike.
//   Many steps per dispatch.
// Expects: math, threefry, dims, network, quad, lane, noise, cell (with cell_linear). Twin: `lyapunov::Tangents`.

@group(0) @binding(0) var<storage, read> networks: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> dims: Dims;                              // batch: tangents; step: steps done; scales.y: steps now; bank_trials: inputs
@group(1) @binding(1) var<storage, read> bank: array<f32>;
@group(1) @binding(2) var<storage, read_write> history: array<vec4<f32>>;
@group(1) @binding(3) var<storage, read_write> states: array<f32>;          // [network][state field][unit]
@group(1) @binding(4) var<storage, read_write> tangents: array<vec4<f32>>;  // [network][state field][unit][quad]
@group(1) @binding(5) var<storage, read_write> growth: array<vec4<u32>>;    // [network][tangent]: mantissa, exponent of 2, times annihilated

// Squared length below which nothing is left of a tangent.
const LYAPUNOV_NOTHING: f32 = 1e-36;

fn lyapunov_input(lane: Lane, time: u32) {
    for (var item = lane.index; item < INPUTS * TRIAL_QUADS; item += LANES) {
        let row = time % dims.bank_trials;
        history[lane.history + lane_inputs() + item] = vec4<f32>(bank[row * (INPUTS + 2u * OUTPUTS) + item / TRIAL_QUADS]);
    }
    storageBarrier();
}

fn lyapunov_state_at(lane: Lane, field: u32, unit: u32) -> u32 {
    return (lane.network * STATES + field) * UNITS + min(unit, UNITS - 1u);
}

fn lyapunov_tangent_at(lane: Lane, field: u32) -> u32 {
    return ((lane.network * STATES + field) * PADDED + 4u * lane.units) * TRIAL_QUADS + lane.quad;
}

// One sweep of modified Gram-Schmidt from the first tangent to the last; the lengths of the lane's four.
fn lyapunov_sweep(lane: Lane, q: ptr<function, array<Quad, STATES>>) -> vec4<f32> {
    var lengths = vec4<f32>(1.0);
    for (var j = 0u; j < dims.batch; j++) {
        let owner = j / 4u;
        let c = j % 4u;
        if lane.quad == owner {
            for (var f = 0u; f < STATES; f++) {
                let own = (*q)[f];
                tile[LANES + f * UNIT_QUADS + lane.units] = vec4<f32>(own.u0[c], own.u1[c], own.u2[c], own.u3[c]);
            }
        }
        workgroupBarrier();
        var along = vec4<f32>();
        for (var f = 0u; f < STATES; f++) {
            let p = tile[LANES + f * UNIT_QUADS + lane.units];
            let own = (*q)[f];
            along += p.x * own.u0 + p.y * own.u1 + p.z * own.u2 + p.w * own.u3;
        }
        tile[lane.index] = along;
        workgroupBarrier();
        var sum = vec4<f32>();
        var square = 0.0;
        for (var i = 0u; i < UNIT_QUADS; i++) {
            sum += tile[i * TRIAL_QUADS + lane.quad];
            square += tile[i * TRIAL_QUADS + owner][c];
        }
        let left = square > LYAPUNOV_NOTHING;
        let number = 4u * lane.quad + vec4<u32>(0u, 1u, 2u, 3u);
        let factor = select(vec4<f32>(), sum / square, (number > vec4<u32>(j)) & vec4<bool>(left));
        let here = number == vec4<u32>(j);
        let length = sqrt(square);
        for (var f = 0u; f < STATES; f++) {
            var p = tile[LANES + f * UNIT_QUADS + lane.units];
            let own = (*q)[f];
            var rest = Quad(own.u0 - factor * p.x, own.u1 - factor * p.y, own.u2 - factor * p.z, own.u3 - factor * p.w);
            // Annihilated: an axis takes its place; the next sweep makes it orthogonal.
            let unit = f * UNITS + 4u * lane.units + vec4<u32>(0u, 1u, 2u, 3u);
            p = select(select(vec4<f32>(), vec4<f32>(1.0), unit == vec4<u32>(j)), p / length, left);
            rest = Quad(select(rest.u0, vec4<f32>(p.x), here), select(rest.u1, vec4<f32>(p.y), here),
                select(rest.u2, vec4<f32>(p.z), here), select(rest.u3, vec4<f32>(p.w), here));
            (*q)[f] = lane_masked(lane, rest);
        }
        lengths = select(lengths, vec4<f32>(select(0.0, length, left)), here);
        workgroupBarrier();
    }
    return lengths;
}

// Multiplies a growth, kept as mantissa in [1, 2) and exponent so that neither e^-10 a step nor 10^6 steps lose anything.
fn lyapunov_grow(total: vec4<u32>, length: f32) -> vec4<u32> {
    if length == 0.0 { return vec4<u32>(total.x, total.y, total.z + 1u, 0u); }
    let product = bitcast<u32>(bitcast<f32>(total.x) * length);
    return vec4<u32>((product & 0x007fffffu) | 0x3f800000u, total.y + (product >> 23u) - 127u, total.z, 0u);
}

@compute @workgroup_size(LANES)
fn lyapunov(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let slot = group.y * dims.row_width + group.x;
    if slot >= dims.n_items { return; }
    let lane = lane_of(slot, index);
    let u = 4u * lane.units;
    var q: array<Quad, STATES>;
    for (var f = 0u; f < STATES; f++) {
        lane_store(lane, 0u, f, lane_masked(lane, Quad(vec4<f32>(states[lyapunov_state_at(lane, f, u)]),
            vec4<f32>(states[lyapunov_state_at(lane, f, u + 1u)]), vec4<f32>(states[lyapunov_state_at(lane, f, u + 2u)]),
            vec4<f32>(states[lyapunov_state_at(lane, f, u + 3u)]))));
        let at = lyapunov_tangent_at(lane, f);
        q[f] = Quad(tangents[at], tangents[at + TRIAL_QUADS], tangents[at + 2u * TRIAL_QUADS], tangents[at + 3u * TRIAL_QUADS]);
    }
    var total: array<vec4<u32>, 4>;
    let first = lane.network * TRIALS + 4u * lane.quad;
    for (var c = 0u; c < 4u; c++) { total[c] = growth[first + c]; }
    let steps = u32(dims.scales.y);
    for (var i = 0u; i < steps; i++) {
        lyapunov_input(lane, dims.step + i);
        cell_linear(lane, &q);
        for (var f = 0u; f < STATES; f++) { lane_store(lane, 0u, f, lane_load(lane, 1u, f)); }
        let once = lyapunov_sweep(lane, &q);
        let twice = lyapunov_sweep(lane, &q);
        for (var c = 0u; c < 4u; c++) { total[c] = lyapunov_grow(total[c], once[c] * twice[c]); }
    }
    for (var f = 0u; f < STATES; f++) {
        let h = lane_load(lane, 0u, f);
        if lane.quad == 0u {
            for (var k = 0u; k < 4u; k++) {
                if u + k < UNITS { states[lyapunov_state_at(lane, f, u + k)] = vec4<f32>(h.u0.x, h.u1.x, h.u2.x, h.u3.x)[k]; }
            }
        }
        let at = lyapunov_tangent_at(lane, f);
        tangents[at] = q[f].u0;
        tangents[at + TRIAL_QUADS] = q[f].u1;
        tangents[at + 2u * TRIAL_QUADS] = q[f].u2;
        tangents[at + 3u * TRIAL_QUADS] = q[f].u3;
    }
    if lane.units == 0u {
        for (var c = 0u; c < 4u; c++) { growth[first + c] = total[c]; }
    }
}
