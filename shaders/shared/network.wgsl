// What a network is given besides its weights, one record of NETWORK_WORDS words each:
//   0 key of the trial order, or number of the network and of all networks [2]   2 key of the noise [2]   4 learning rate   5 sd of the cell's noise   6 sd of the input noise
//   7 weight decay   8 strength of L1 [4 parts]   12 strength of L2 [4 parts]   16 strength of the rate penalty
//   17 strength of the rate cap   18 cap   19 every how many steps states are forced whole, 0 for never   20 share they are forced by else
//   21 strength of the penalty of the user's own   22 strength of the effective dimension   23 constants
// Expects: binding networks: array<u32>, const NETWORK_WORDS.

fn network_word(network: u32, i: u32) -> f32 {
    return bitcast<f32>(networks[network * NETWORK_WORDS + i]);
}

fn network_order(network: u32) -> vec2<u32> {
    return vec2<u32>(networks[network * NETWORK_WORDS], networks[network * NETWORK_WORDS + 1u]);
}

fn network_noise_key(network: u32) -> vec2<u32> {
    return vec2<u32>(networks[network * NETWORK_WORDS + 2u], networks[network * NETWORK_WORDS + 3u]);
}

fn network_learning_rate(network: u32) -> f32 { return network_word(network, 4u); }

fn network_noise(network: u32) -> f32 { return network_word(network, 5u); }

fn network_input_noise(network: u32) -> f32 { return network_word(network, 6u); }

fn network_weight_decay(network: u32) -> f32 { return network_word(network, 7u); }

// Part: 0 recurrent, 1 input, 2 readout, 3 bias.
fn network_l1(network: u32, part: u32) -> f32 { return network_word(network, 8u + part); }

fn network_l2(network: u32, part: u32) -> f32 { return network_word(network, 12u + part); }

fn network_rate(network: u32) -> f32 { return network_word(network, 16u); }

fn network_rate_cap(network: u32) -> vec2<f32> { return vec2<f32>(network_word(network, 17u), network_word(network, 18u)); }

fn network_forcing_every(network: u32) -> u32 { return u32(network_word(network, 19u)); }

fn network_forcing_alpha(network: u32) -> f32 { return network_word(network, 20u); }

fn network_own(network: u32) -> f32 { return network_word(network, 21u); }

fn network_dimension(network: u32) -> f32 { return network_word(network, 22u); }

fn network_constant(network: u32, i: u32) -> f32 { return network_word(network, 23u + i); }
