// The gradient by parameters as trained, where penalties or restrictions need whole matrices: sum of the partial gradients and
// penalties of single weights, penalties of matrices (program 1), slopes of the rules, adjoint of `link_weights` (program 2).
// It replaces the sum's first term, where `optimise` finds it.
// Grid: one workgroup per network. Expects: network, constraint, parts, own, reduce, matrices. Twin: `Constraint::adjoint`.

@group(0) @binding(0) var<storage, read> networks: array<u32>;
@group(1) @binding(0) var<uniform> dims: Dims;
@group(1) @binding(3) var<storage, read_write> partials: array<f32>;  // [network][tile][PARAMS, loss, mask]

@compute @workgroup_size(MATRICES_LANES)
fn pull_back(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let network = group.x;
    let base = network * WORK;
    let mask = reduce_sum(network, PARAMS + 1u);
    for (var p = index; p < PARAMS; p += MATRICES_LANES) {
        let linked = work[base + p];
        work[base + AS_USED + p] = constraint_effective(network * PARAMS + p, linked);
        work[base + GRADIENT + p] = reduce_gradient(network, p, mask, linked);
    }
    matrices_run(network, 1u, index);
    for (var p = index; p < PARAMS; p += MATRICES_LANES) {
        work[base + GRADIENT + p] *= constraint_slope(network * PARAMS + p, work[base + p]);
    }
    matrices_run(network, 2u, index);
    let first = network * dims.n_tiles * (PARAMS + 2u);
    for (var p = index; p < PARAMS; p += MATRICES_LANES) { partials[first + p] = work[base + GRADIENT + p]; }
}
