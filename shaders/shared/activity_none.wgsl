// No penalty of activity. Twin: activity_rate.

fn activity_begin(lane: Lane) {}

fn activity_add(lane: Lane, t: u32, dy: Quad) -> Quad { return dy; }
