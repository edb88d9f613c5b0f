// What the effective dimension adds to dL/d(output): (y - mean) G as `slope_dimension` left them, times the weight of each trial.
// Expects: lane, quad.

@group(0) @binding(6) var<storage, read> slopes: array<vec4<f32>>;  // [network][UNITS + 1][UNIT_QUADS]: G, mean

fn dimension_add(lane: Lane, out: Quad, weight: vec4<f32>, dy: Quad) -> Quad {
    var at = lane.network * (UNITS + 1u) * UNIT_QUADS + lane.units;
    let mean = slopes[at + UNITS * UNIT_QUADS];
    // The products of the backward pass take turns with the two buffers; this one stands between them.
    workgroupBarrier();
    lane_share(lane, 0u, quad_sub(out, quad_broadcast(mean)));
    var by = quad_zero();
    for (var j = 0u; j < UNITS; j++) {
        by = quad_outer(by, slopes[at], lane_shared(lane, 0u, j));
        at += UNIT_QUADS;
    }
    workgroupBarrier();
    return Quad(fma(weight, by.u0, dy.u0), fma(weight, by.u1, dy.u1), fma(weight, by.u2, dy.u2), fma(weight, by.u3, dy.u3));
}
