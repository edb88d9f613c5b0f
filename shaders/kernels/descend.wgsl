// Descent of q = 1/2 |F(h) - h|^2 at a constant input, one Adam per seed, a seed frozen once its q is small enough.
//   r = F(h) - h, dq/dh = J^T r - r; J^T r is the derived adjoint of the step with r in the place of dL/dh'.
// Grid: one workgroup per (network, tile of seeds), one invocation per 4 units x 4 seeds; many iterations per dispatch.
// Expects: math, threefry, network, quad, lane, noise, cell, forward. What a seed does depends on no other seed.

@group(0) @binding(0) var<storage, read> networks: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> dims: Dims;                           // step: iterations done; update.w: q at which a seed stops; scales: rate, iterations, half life
@group(1) @binding(1) var<storage, read> bank: array<f32>;
@group(1) @binding(2) var<storage, read_write> history: array<vec4<f32>>;
@group(1) @binding(3) var<storage, read_write> seeds: array<f32>;        // [network][seed][state field][unit]
@group(1) @binding(4) var<storage, read_write> speeds: array<f32>;       // [network][seed]: q at the state in `seeds`
@group(1) @binding(5) var<storage, read_write> moments: array<vec4<f32>>; // [network][tile][field][first, second][unit][quad]

fn descend_seed_at(lane: Lane, trial: u32, field: u32, unit: u32) -> u32 {
    let seed = lane.tile * TRIALS + 4u * lane.quad + trial;
    return ((lane.network * dims.batch + select(0u, seed, seed < dims.batch)) * STATES + field) * UNITS + min(unit, UNITS - 1u);
}

fn descend_load_unit(lane: Lane, field: u32, unit: u32) -> vec4<f32> {
    return vec4<f32>(seeds[descend_seed_at(lane, 0u, field, unit)], seeds[descend_seed_at(lane, 1u, field, unit)],
        seeds[descend_seed_at(lane, 2u, field, unit)], seeds[descend_seed_at(lane, 3u, field, unit)]);
}

fn descend_store_unit(lane: Lane, field: u32, unit: u32, value: vec4<f32>) {
    if unit >= UNITS { return; }
    for (var k = 0u; k < 4u; k++) {
        if lane.tile * TRIALS + 4u * lane.quad + k < dims.batch { seeds[descend_seed_at(lane, k, field, unit)] = value[k]; }
    }
}

// Sum over all units of a value per (lane, trial), the same in every lane of the quad.
fn descend_total(lane: Lane, value: vec4<f32>) -> vec4<f32> {
    workgroupBarrier();
    tile[lane.index] = value;
    workgroupBarrier();
    var sum = vec4<f32>();
    for (var i = 0u; i < UNIT_QUADS; i++) { sum += tile[i * TRIAL_QUADS + lane.quad]; }
    workgroupBarrier();
    return sum;
}

fn descend_residual(lane: Lane, field: u32) -> Quad {
    return quad_sub(lane_load(lane, 1u, field), lane_load(lane, 0u, field));
}

fn descend_squares(r: Quad) -> vec4<f32> {
    return fma(r.u0, r.u0, fma(r.u1, r.u1, fma(r.u2, r.u2, r.u3 * r.u3)));
}

// One Adam step of four units; trials whose q is small enough, or no number, stay where they are.
fn descend_step(at: u32, h: vec4<f32>, g: vec4<f32>, moves: vec4<bool>, rate: f32, correction: vec2<f32>) -> vec4<f32> {
    let half = PADDED * TRIAL_QUADS;
    let m = fma(vec4<f32>(dims.update.x), moments[at], (1.0 - dims.update.x) * g);
    let v = fma(vec4<f32>(dims.update.y), moments[at + half], (1.0 - dims.update.y) * g * g);
    moments[at] = m;
    moments[at + half] = v;
    return select(h, h - rate * (m * correction.x) / (sqrt(v * correction.y) + dims.update.z), moves);
}

@compute @workgroup_size(LANES)
fn descend(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let slot = group.y * dims.row_width + group.x;
    if slot >= dims.n_items { return; }
    let lane = lane_of(slot, index);
    forward_load(lane);
    for (var field = 0u; field < STATES; field++) {
        let u = 4u * lane.units;
        lane_store(lane, 0u, field, lane_masked(lane, Quad(descend_load_unit(lane, field, u), descend_load_unit(lane, field, u + 1u),
            descend_load_unit(lane, field, u + 2u), descend_load_unit(lane, field, u + 3u))));
    }
    let iterations = u32(dims.scales.y);
    // One pass more than steps: the last only measures q, so that q belongs to the state returned.
    for (var i = 0u; i <= iterations; i++) {
        cell_forward(lane, 0u);
        var squares = vec4<f32>();
        for (var field = 0u; field < STATES; field++) { squares += descend_squares(descend_residual(lane, field)); }
        let q = 0.5 * descend_total(lane, squares);
        if i == iterations {
            for (var k = 0u; k < 4u; k++) {
                let seed = lane.tile * TRIALS + 4u * lane.quad + k;
                if lane.units == 0u && seed < dims.batch { speeds[lane.network * dims.batch + seed] = q[k]; }
            }
            break;
        }
        let moves = q > vec4<f32>(dims.update.w);
        let done = dims.step + i;
        let pulled = cell_backward(lane, 0u, cell_residual_carry(lane), quad_zero());
        workgroupBarrier();
        let k = f32(done + 1u);
        let correction = vec2<f32>(1.0 / (1.0 - math_exp(k * math_log(dims.update.x))), 1.0 / (1.0 - math_exp(k * math_log(dims.update.y))));
        let rate = dims.scales.x * math_exp(-0.6931472 * floor(f32(done) / dims.scales.z));
        for (var field = 0u; field < STATES; field++) {
            let h = lane_load(lane, 0u, field);
            let g = quad_sub(cell_carried(pulled, field), descend_residual(lane, field));
            let at = ((lane.partial * STATES + field) * 2u * PADDED + 4u * lane.units) * TRIAL_QUADS + lane.quad;
            lane_store(lane, 0u, field, lane_masked(lane, Quad(
                descend_step(at, h.u0, g.u0, moves, rate, correction),
                descend_step(at + TRIAL_QUADS, h.u1, g.u1, moves, rate, correction),
                descend_step(at + 2u * TRIAL_QUADS, h.u2, g.u2, moves, rate, correction),
                descend_step(at + 3u * TRIAL_QUADS, h.u3, g.u3, moves, rate, correction))));
        }
    }
    for (var field = 0u; field < STATES; field++) {
        let h = lane_load(lane, 0u, field);
        let u = 4u * lane.units;
        descend_store_unit(lane, field, u, h.u0);
        descend_store_unit(lane, field, u + 1u, h.u1);
        descend_store_unit(lane, field, u + 2u, h.u2);
        descend_store_unit(lane, field, u + 3u, h.u3);
    }
}
