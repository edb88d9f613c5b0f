// Test kernel: the words of many (key, counter) pairs. Grid: one invocation per pair. Twin: chiliad_tasks::threefry2x32.

@group(0) @binding(0) var<storage, read> counters: array<vec4<u32>>;      // key, counter
@group(0) @binding(1) var<storage, read_write> words: array<vec4<u32>>;   // words, bits of the uniform of word 0, bits of the normal

@compute @workgroup_size(64)
fn threefry_words(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= arrayLength(&counters) { return; }
    let drawn = threefry(counters[id.x].xy, counters[id.x].zw);
    words[id.x] = vec4<u32>(drawn, bitcast<u32>(threefry_uniform(drawn.x)), bitcast<u32>(threefry_normal(drawn)));
}
