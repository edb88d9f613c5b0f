// What changes from dispatch to dispatch, in a uniform.
// Twin: `Dims` of the engine, field by field: 12 words and two vec4s, 80 bytes.

struct Dims {
    n_steps: u32,        // time steps of a trial
    batch: u32,          // trials per network
    n_tiles: u32,        // tiles per network
    first_item: u32,     // (network, tile) of slot 0, counted within the buffers bound
    n_items: u32,        // items of this dispatch
    bank_trials: u32,    // trials in the bank
    step: u32,           // training step, low word
    step_high: u32,
    n_networks: u32,     // networks within the buffers bound
    noise_on: u32,       // 0: no noise whatever the networks say
    row_width: u32,      // workgroups along x of this dispatch
    spare: u32,
    adam: vec4<f32>,     // beta1, beta2, epsilon, clip norm
    correction: vec4<f32>, // 1 / (1 - beta1^k), 1 / (1 - beta2^k), 1 trains the initial state, learning-rate factor
}
