// Backward through time: dL/dh from the readout and from the later step, through the cell's derived adjoint.
// Expects: lane, quad, cell, activity; bindings history, weights.

fn backward_output(lane: Lane, t: u32) -> Quad {
    var dy = quad_zero();
    for (var o = 0u; o < OUTPUTS; o++) {
        dy = quad_outer(dy, weights[lane.weights + WEIGHT_READOUT + o * UNIT_QUADS + lane.units], lane_error(lane, t, o, lane.quad));
    }
    return activity_add(lane, t, dy);
}

fn backward(lane: Lane) {
    lane_clear_sums(lane);
    activity_begin(lane);
    var carry = cell_no_carry();
    for (var i = 0u; i < dims.n_steps; i++) {
        let t = dims.n_steps - 1u - i;
        carry = cell_backward(lane, t, carry, backward_output(lane, t));
    }
    cell_keep_carry(lane, carry);
    storageBarrier();
    workgroupBarrier();
}
