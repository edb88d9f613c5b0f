// Modern Hopfield network: z' = Q softmax(beta (K z)) + V x + b. Units are patterns and components in one: the first `components`
// carry z, the first `patterns` an overlap. The sum of the softmax is a stage of its own.
// `offset`, which changes nothing, is taken off every overlap, best the largest squared norm of a pattern: beta (K z - offset) is cut
// at 60, so that exp stays a number in f32.
struct State { z: f32 }
struct Overlap { k: f32 }
struct Total { s: f32 }
struct Retrieved { q: f32 }
struct Unit { index: f32 }
struct Constants { beta: f32, offset: f32, patterns: f32, components: f32 }

fn weight(o: Overlap, i: Unit, c: Constants) -> f32 {
    return select(0.0, exp(min(c.beta * (o.k - c.offset), 60.0)), i.index < c.patterns);
}

fn overlap_drive(s: State, i: Unit, c: Constants) -> f32 { return select(0.0, s.z, i.index < c.components); }

fn total_drive(s: State, o: Overlap, i: Unit, c: Constants) -> f32 { return weight(o, i, c); }

fn retrieved_drive(s: State, o: Overlap, t: Total, i: Unit, c: Constants) -> f32 { return weight(o, i, c) / select(t.s, 1.0, t.s == 0.0); }

fn next(s: State, o: Overlap, t: Total, r: Retrieved, i: Unit, c: Constants) -> State {
    return State(select(0.0, r.q, i.index < c.components));
}
