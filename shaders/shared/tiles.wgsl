// A product of a matrix program by tiles of 32 x 32, both operands through workgroup memory, 2 x 2 entries per invocation. Every entry
// is the same sum in the same order as without tiles.
// Expects: matrices.

const SIDE: u32 = 32u;
var<workgroup> tiles_a: array<f32, SIDE * SIDE>;
var<workgroup> tiles_b: array<f32, SIDE * SIDE>;

fn tiles_product(network: u32, at: u32, index: u32) {
    let to = network * WORK + steps[at + 1u];
    let rows = steps[at + 4u];
    let inner = steps[at + 5u];
    let columns = steps[at + 6u];
    let flags = steps[at + 7u];
    let turned = vec2<bool>((flags & 1u) != 0u, (flags & 2u) != 0u);
    let in_data = vec2<bool>((flags & 4u) != 0u, (flags & 8u) != 0u);
    // Distance of two rows, and of two columns.
    let step_a = select(vec2<u32>(inner, 1u), vec2<u32>(1u, rows), turned.x);
    let step_b = select(vec2<u32>(columns, 1u), vec2<u32>(1u, inner), turned.y);
    let scale = bitcast<f32>(steps[at + 8u]);
    let keep = bitcast<f32>(steps[at + 9u]);
    let down = index / 16u;
    let along = index % 16u;
    for (var i = 0u; i < rows; i += SIDE) {
        for (var j = 0u; j < columns; j += SIDE) {
            var sums = vec4<f32>();
            for (var k = 0u; k < inner; k += SIDE) {
                workgroupBarrier();
                for (var e = index; e < SIDE * SIDE; e += MATRICES_LANES) {
                    let r = e / SIDE;
                    let c = e % SIDE;
                    var a = 0.0;
                    var b = 0.0;
                    if i + r < rows && k + c < inner {
                        a = matrices_load(network, steps[at + 2u] + (i + r) * step_a.x + (k + c) * step_a.y, in_data.x);
                    }
                    if k + r < inner && j + c < columns {
                        b = matrices_load(network, steps[at + 3u] + (k + r) * step_b.x + (j + c) * step_b.y, in_data.y);
                    }
                    tiles_a[e] = a;
                    tiles_b[e] = b;
                }
                workgroupBarrier();
                for (var m = 0u; m < min(SIDE, inner - k); m++) {
                    let a = vec2<f32>(tiles_a[down * SIDE + m], tiles_a[(down + 16u) * SIDE + m]);
                    let b = vec2<f32>(tiles_b[m * SIDE + along], tiles_b[m * SIDE + along + 16u]);
                    sums = fma(a.xxyy, b.xyxy, sums);
                }
            }
            for (var e = 0u; e < 4u; e++) {
                let r = i + down + 16u * (e / 2u);
                let c = j + along + 16u * (e % 2u);
                if r < rows && c < columns {
                    let entry = to + r * columns + c;
                    var value = sums[e] * scale;
                    if keep != 0.0 { value = fma(keep, work[entry], value); }
                    work[entry] = value;
                }
            }
        }
    }
}
