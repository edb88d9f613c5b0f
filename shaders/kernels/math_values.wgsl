// Test kernel: every function of shared/math.wgsl at many points. Grid: one invocation per point. Twin: numerics.

@group(0) @binding(0) var<storage, read> points: array<f32>;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;        // [point][tanh, sigmoid, softplus, exp, log, sqrt, erf, not finite]

@compute @workgroup_size(64)
fn math_values(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= arrayLength(&points) { return; }
    let x = points[id.x];
    let at = id.x * 8u;
    values[at] = math_tanh(x);
    values[at + 1u] = math_sigmoid(x);
    values[at + 2u] = math_softplus(x);
    values[at + 3u] = math_exp(x);
    values[at + 4u] = math_log(x);
    values[at + 5u] = math_sqrt(x);
    values[at + 6u] = math_erf(x);
    values[at + 7u] = f32(math_not_finite(x));
}
