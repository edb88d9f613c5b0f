// Matrix programs: what a recipe does with whole matrices, once per step and network, as a list of products and entrywise steps.
//   product:   to = scale op(A) op(B) + keep to      entrywise: to = scale f(op(A), op(B)) + keep to
// Matrices are dense rows in the network's own work space
//   linked [PARAMS] | expanded [PARAMS] | as used [PARAMS] | gradient [PARAMS] | scratch
// or in `matrix_data`: what all networks share, then each network's own. An invocation owns entries of `to`; a barrier after every step.
// Expects: tiles; consts PARAMS, WORK, MATRIX_SHARED, MATRIX_OWN. Host: `gpu::matrices` writes the programs.

@group(1) @binding(5) var<storage, read_write> work: array<f32>;      // [network][WORK]
@group(1) @binding(6) var<storage, read> matrix_data: array<f32>;     // [MATRIX_SHARED], [network][MATRIX_OWN]
@group(1) @binding(7) var<storage, read> steps: array<u32>;           // [network][3 programs]: first word, steps; then the steps

const MATRICES_LANES: u32 = 256u;
const EXPANDED: u32 = PARAMS;
const AS_USED: u32 = 2u * PARAMS;
const GRADIENT: u32 = 3u * PARAMS;

const STEP_WORDS: u32 = 13u;
const PRODUCT: u32 = 0u;
const SIGN: u32 = 2u;
const ABSOLUTE: u32 = 3u;
const INVERSE_ROOT: u32 = 4u;
const TIMES: u32 = 5u;
const ZERO: u32 = 6u;

// Products with a side of at most so many are not worth tiles.
const THIN: u32 = 8u;
var<workgroup> matrices_open: u32;

fn matrices_load(network: u32, at: u32, in_data: bool) -> f32 {
    if !in_data { return work[network * WORK + at]; }
    return matrix_data[select(at, at + network * MATRIX_OWN, at >= MATRIX_SHARED)];
}

// Step words: what, to, a, b, rows, inner, columns, flags (1 A transposed, 2 B transposed, 4 A in data, 8 B in data), scale, keep,
// 0 or one more than the place of a scalar of work, above which value the step is taken, that value, spare.
fn matrices_step(network: u32, at: u32, index: u32) {
    let gate = steps[at + 10u];
    if gate != 0u {
        if index == 0u { matrices_open = u32(work[network * WORK + gate - 1u] > bitcast<f32>(steps[at + 11u])); }
        if workgroupUniformLoad(&matrices_open) == 0u { return; }
    }
    let what = steps[at];
    let to = network * WORK + steps[at + 1u];
    let a = steps[at + 2u];
    let b = steps[at + 3u];
    let rows = steps[at + 4u];
    let inner = steps[at + 5u];
    let columns = steps[at + 6u];
    let flags = steps[at + 7u];
    let in_data = vec2<bool>((flags & 4u) != 0u, (flags & 8u) != 0u);
    let scale = bitcast<f32>(steps[at + 8u]);
    let keep = bitcast<f32>(steps[at + 9u]);
    if what == PRODUCT && min(rows, min(inner, columns)) > THIN {
        tiles_product(network, at, index);
        return;
    }
    for (var item = index; item < rows * columns; item += MATRICES_LANES) {
        let i = item / columns;
        let j = item % columns;
        var value = 0.0;
        if what == PRODUCT {
            let step_a = select(1u, rows, (flags & 1u) != 0u);
            let step_b = select(columns, 1u, (flags & 2u) != 0u);
            var at_a = a + select(i * inner, i, (flags & 1u) != 0u);
            var at_b = b + select(j, j * inner, (flags & 2u) != 0u);
            for (var k = 0u; k < inner; k++) {
                value = fma(matrices_load(network, at_a, in_data.x), matrices_load(network, at_b, in_data.y), value);
                at_a += step_a;
                at_b += step_b;
            }
        } else if what != ZERO {
            let x = matrices_load(network, a + select(item, j * rows + i, (flags & 1u) != 0u), in_data.x);
            value = x;
            if what == SIGN { value = sign(x); }
            if what == ABSOLUTE { value = abs(x); }
            if what == INVERSE_ROOT {
                value = 0.0;
                if x > 0.0 { value = 1.0 / sqrt(x); }
            }
            if what == TIMES { value = x * matrices_load(network, b + select(item, j * rows + i, (flags & 2u) != 0u), in_data.y); }
        }
        value *= scale;
        // Not a product with 0: what is there before may be anything.
        if keep != 0.0 { value = fma(keep, work[to + item], value); }
        work[to + item] = value;
    }
}

fn matrices_run(network: u32, program: u32, index: u32) {
    let first = steps[6u * network + 2u * program];
    let count = steps[6u * network + 2u * program + 1u];
    storageBarrier();
    for (var s = 0u; s < count; s++) {
        matrices_step(network, first + s * STEP_WORDS, index);
        storageBarrier();
    }
}
