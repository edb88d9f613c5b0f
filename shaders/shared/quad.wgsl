// The register tile: 4 units x 4 trials, one vec4 of trials per unit, and the outer product that every weight product is made of.

struct Quad { u0: vec4<f32>, u1: vec4<f32>, u2: vec4<f32>, u3: vec4<f32> }

fn quad_zero() -> Quad {
    return Quad(vec4<f32>(), vec4<f32>(), vec4<f32>(), vec4<f32>());
}

// The same value of each unit for all trials.
fn quad_broadcast(w: vec4<f32>) -> Quad {
    return Quad(vec4<f32>(w.x), vec4<f32>(w.y), vec4<f32>(w.z), vec4<f32>(w.w));
}

fn quad_add(a: Quad, b: Quad) -> Quad {
    return Quad(a.u0 + b.u0, a.u1 + b.u1, a.u2 + b.u2, a.u3 + b.u3);
}

fn quad_sub(a: Quad, b: Quad) -> Quad {
    return Quad(a.u0 - b.u0, a.u1 - b.u1, a.u2 - b.u2, a.u3 - b.u3);
}

// acc + w (x) d: w over units, d over trials.
fn quad_outer(acc: Quad, w: vec4<f32>, d: vec4<f32>) -> Quad {
    return Quad(fma(vec4<f32>(w.x), d, acc.u0), fma(vec4<f32>(w.y), d, acc.u1), fma(vec4<f32>(w.z), d, acc.u2), fma(vec4<f32>(w.w), d, acc.u3));
}

// Sum over trials of a_unit * b_unit for all pairs of units: element [i][j].
fn quad_inner(acc: mat4x4<f32>, a: Quad, b: Quad) -> mat4x4<f32> {
    return mat4x4<f32>(
        acc[0] + vec4<f32>(dot(a.u0, b.u0), dot(a.u0, b.u1), dot(a.u0, b.u2), dot(a.u0, b.u3)),
        acc[1] + vec4<f32>(dot(a.u1, b.u0), dot(a.u1, b.u1), dot(a.u1, b.u2), dot(a.u1, b.u3)),
        acc[2] + vec4<f32>(dot(a.u2, b.u0), dot(a.u2, b.u1), dot(a.u2, b.u2), dot(a.u2, b.u3)),
        acc[3] + vec4<f32>(dot(a.u3, b.u0), dot(a.u3, b.u1), dot(a.u3, b.u2), dot(a.u3, b.u3)));
}

// Sum over trials of a_unit * d, per unit.
fn quad_dot(a: Quad, d: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(dot(a.u0, d), dot(a.u1, d), dot(a.u2, d), dot(a.u3, d));
}
