// The gradient by a parameter as trained, where restrictions act on each by itself. Twin: gather_matrices.
// Expects: reduce, constraint; binding params.

fn gather(network: u32, p: u32, mask: f32) -> f32 {
    let at = network * PARAMS + p;
    return reduce_gradient(network, p, mask, params[at]) * constraint_slope(at, params[at]);
}
