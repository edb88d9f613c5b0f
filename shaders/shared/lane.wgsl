// Where an invocation stands: one workgroup owns a tile of trials of one network, one invocation 4 units x 4 trials of it.
//
// Everything a tile keeps lies in `history`, in vec4s of 4 trials, as
//   trials [quad] | inputs [time][input][quad] | errors [time][output][quad] | per-unit sums [param][unit][quad]
//   | rows [time][field][unit][quad]
// Row t holds the state before step t and what step t keeps; row n_steps holds the last state.
// Expects: dims, quad; consts UNITS, UNIT_QUADS, INPUTS, OUTPUTS, TRIAL_QUADS, FIELDS, UNIT_PARAMS, KEPT; bindings history, weights, dims.

const PADDED: u32 = 4u * UNIT_QUADS;
const LANES: u32 = UNIT_QUADS * TRIAL_QUADS;
const TRIALS: u32 = 4u * TRIAL_QUADS;

struct Lane {
    index: u32,          // within the workgroup
    units: u32,          // units 4 units .. 4 units + 3
    quad: u32,           // trials 4 quad .. 4 quad + 3 of the tile
    network: u32,        // within the buffers bound
    tile: u32,
    weights: u32,        // first vec4 of the network's weights
    history: u32,        // first vec4 of the slot's history
    partial: u32,        // number of the (network, tile) pair
}

var<workgroup> tile: array<vec4<f32>, 2u * PADDED * TRIAL_QUADS>;

fn lane_inputs() -> u32 { return TRIAL_QUADS; }
fn lane_errors() -> u32 { return lane_inputs() + dims.n_steps * INPUTS * TRIAL_QUADS; }
fn lane_sums() -> u32 { return lane_errors() + dims.n_steps * OUTPUTS * TRIAL_QUADS; }
fn lane_rows() -> u32 { return lane_sums() + UNIT_PARAMS * PADDED * TRIAL_QUADS; }
fn lane_history_size() -> u32 { return lane_rows() + (dims.n_steps + 1u) * FIELDS * PADDED * TRIAL_QUADS; }

fn lane_of(slot: u32, index: u32) -> Lane {
    let item = dims.first_item + slot;
    let network = item / dims.n_tiles;
    return Lane(index, index / TRIAL_QUADS, index % TRIAL_QUADS, network, item % dims.n_tiles,
        network * WEIGHTS, slot * lane_history_size(), item);
}

fn lane_row(lane: Lane, t: u32, field: u32, unit: u32, quad: u32) -> u32 {
    return lane.history + lane_rows() + ((t * FIELDS + field) * PADDED + unit) * TRIAL_QUADS + quad;
}

fn lane_load_at(at: u32) -> Quad {
    return Quad(history[at], history[at + TRIAL_QUADS], history[at + 2u * TRIAL_QUADS], history[at + 3u * TRIAL_QUADS]);
}

fn lane_load(lane: Lane, t: u32, field: u32) -> Quad {
    return lane_load_at(lane_row(lane, t, field, 4u * lane.units, lane.quad));
}

fn lane_store(lane: Lane, t: u32, field: u32, value: Quad) {
    let at = lane_row(lane, t, field, 4u * lane.units, lane.quad);
    history[at] = value.u0;
    history[at + TRIAL_QUADS] = value.u1;
    history[at + 2u * TRIAL_QUADS] = value.u2;
    history[at + 3u * TRIAL_QUADS] = value.u3;
}

// Units beyond the last are zero, whatever the cell makes of them.
fn lane_masked(lane: Lane, value: Quad) -> Quad {
    if UNITS == PADDED { return value; }
    let first = 4u * lane.units;
    return Quad(value.u0,
        select(vec4<f32>(), value.u1, first + 1u < UNITS),
        select(vec4<f32>(), value.u2, first + 2u < UNITS),
        select(vec4<f32>(), value.u3, first + 3u < UNITS));
}

fn lane_add_sum(lane: Lane, param: u32, value: Quad) {
    let at = lane.history + lane_sums() + (param * PADDED + 4u * lane.units) * TRIAL_QUADS + lane.quad;
    history[at] += value.u0;
    history[at + TRIAL_QUADS] += value.u1;
    history[at + 2u * TRIAL_QUADS] += value.u2;
    history[at + 3u * TRIAL_QUADS] += value.u3;
}

fn lane_clear_sums(lane: Lane) {
    for (var param = 0u; param < UNIT_PARAMS; param++) {
        let at = lane.history + lane_sums() + (param * PADDED + 4u * lane.units) * TRIAL_QUADS + lane.quad;
        for (var k = 0u; k < 4u; k++) { history[at + k * TRIAL_QUADS] = vec4<f32>(); }
    }
}

// Puts a quad where the whole workgroup can read it; two buffers alternate, so that one barrier per product is enough.
fn lane_share(lane: Lane, buffer: u32, value: Quad) {
    let at = (buffer * PADDED + 4u * lane.units) * TRIAL_QUADS + lane.quad;
    tile[at] = value.u0;
    tile[at + TRIAL_QUADS] = value.u1;
    tile[at + 2u * TRIAL_QUADS] = value.u2;
    tile[at + 3u * TRIAL_QUADS] = value.u3;
    workgroupBarrier();
}

fn lane_shared(lane: Lane, buffer: u32, unit: u32) -> vec4<f32> {
    return tile[(buffer * PADDED + unit) * TRIAL_QUADS + lane.quad];
}

// acc + W d for the lane's units, W stored [from][to quad] from vec4 `offset` of the network's weights.
fn lane_product(lane: Lane, before: Quad, offset: u32, buffer: u32) -> Quad {
    var acc = before;
    var at = lane.weights + offset + lane.units;
    for (var j = 0u; j < UNITS; j++) {
        acc = quad_outer(acc, weights[at], lane_shared(lane, buffer, j));
        at += UNIT_QUADS;
    }
    return acc;
}

fn lane_input(lane: Lane, t: u32, channel: u32, quad: u32) -> vec4<f32> {
    return history[lane.history + lane_inputs() + (t * INPUTS + channel) * TRIAL_QUADS + quad];
}

fn lane_error(lane: Lane, t: u32, channel: u32, quad: u32) -> vec4<f32> {
    return history[lane.history + lane_errors() + (t * OUTPUTS + channel) * TRIAL_QUADS + quad];
}
