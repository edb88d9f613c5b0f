// Parameters as trained, or as `link_weights` left them -> weights as used, as the products read them: vec4s over units, recurrent weights in both orders, padded
// with zeros. One table says which parameter goes where; entry 0 means 0, the largest entry 1.
// Grid: one invocation per vec4 of a network, one row of workgroups per network. Expects: constraint.

@group(0) @binding(2) var<storage, read_write> weights: array<vec4<f32>>;  // [network][WEIGHTS]
@group(0) @binding(3) var<storage, read> params: array<f32>;              // [network][PARAM_STRIDE]
@group(1) @binding(1) var<storage, read> sources: array<vec4<u32>>;       // [WEIGHTS], parameter + 1

fn materialise_one(network: u32, source: u32) -> f32 {
    if source == 0u { return 0.0; }
    if source == 0xffffffffu { return 1.0; }
    return constraint_effective(network * PARAMS + source - 1u, params[network * PARAM_STRIDE + source - 1u]);
}

@compute @workgroup_size(64)
fn materialise(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= WEIGHTS { return; }
    let row = sources[id.x];
    weights[id.y * WEIGHTS + id.x] = vec4<f32>(materialise_one(id.y, row.x), materialise_one(id.y, row.y),
        materialise_one(id.y, row.z), materialise_one(id.y, row.w));
}
