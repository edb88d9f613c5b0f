// Parameters as trained -> the parameters that rules act on, where matrices are made of matrices: a random subspace, low rank,
// antisymmetric weights. Program 0 of a network.
// Grid: one workgroup per network. Expects: matrices. Twin: the first stages of `Constraint::effective`.

@group(0) @binding(3) var<storage, read> params: array<f32>;  // [network][PARAMS]

@compute @workgroup_size(MATRICES_LANES)
fn link_weights(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let network = group.x;
    for (var p = index; p < PARAMS; p += MATRICES_LANES) { work[network * WORK + p] = params[network * PARAMS + p]; }
    matrices_run(network, 0u, index);
}
