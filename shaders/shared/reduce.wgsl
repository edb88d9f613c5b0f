// The gradient of the batch by weights as used: partial gradients of all tiles in turn, divided by the batch's weight, and
// penalties of single weights. Expects: network, constraint, optimise_part, own; bindings dims, partials.

fn reduce_sum(network: u32, entry: u32) -> f32 {
    var sum = 0.0;
    for (var tile_index = 0u; tile_index < dims.n_tiles; tile_index++) {
        sum += partials[(network * dims.n_tiles + tile_index) * (PARAMS + 2u) + entry];
    }
    return sum;
}

// `raw` is what the rule of parameter p acts on.
fn reduce_gradient(network: u32, p: u32, mask: f32, raw: f32) -> f32 {
    var g = reduce_sum(network, p) / mask;
    let part = optimise_part(p);
    if part < 4u {
        let w = constraint_effective(network * PARAMS + p, raw);
        g += network_l1(network, part) * sign(w) + 2.0 * network_l2(network, part) * w + own_slope(network, part, w);
    }
    return g;
}
