// What a network is given besides its weights, one record of NETWORK_WORDS words each:
//   key of the trial order [2], key of the noise [2], learning rate, standard deviation of the noise, constants.
// Expects: binding networks: array<u32>, const NETWORK_WORDS.

fn network_pick_key(network: u32) -> vec2<u32> {
    return vec2<u32>(networks[network * NETWORK_WORDS], networks[network * NETWORK_WORDS + 1u]);
}

fn network_noise_key(network: u32) -> vec2<u32> {
    return vec2<u32>(networks[network * NETWORK_WORDS + 2u], networks[network * NETWORK_WORDS + 3u]);
}

fn network_learning_rate(network: u32) -> f32 {
    return bitcast<f32>(networks[network * NETWORK_WORDS + 4u]);
}

fn network_noise(network: u32) -> f32 {
    return bitcast<f32>(networks[network * NETWORK_WORDS + 5u]);
}

fn network_constant(network: u32, i: u32) -> f32 {
    return bitcast<f32>(networks[network * NETWORK_WORDS + 6u + i]);
}
