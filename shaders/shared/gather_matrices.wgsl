// The gradient by a parameter as trained, where `pull_back` has left it. Twin: gather_parameters.
// Expects: bindings dims, partials.

fn gather(network: u32, p: u32, mask: f32) -> f32 {
    return partials[network * dims.n_tiles * (PARAMS + 2u) + p];
}
