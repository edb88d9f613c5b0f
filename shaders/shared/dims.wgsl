// What changes from dispatch to dispatch, in a uniform.
// Twin: `Dims` of the engine, field by field: 12 words and three vec4s, 96 bytes.

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
    flags: u32,          // 1 divide by the second moment, 2 decoupled weight decay, 4 train the initial state, 8 take the step,
                         // 16 states are forced beyond the start
    update: vec4<f32>,   // decay and gain of the first moment, decay and gain of the second
    scales: vec4<f32>,   // scale of the first moment, scale of the second, epsilon, learning-rate factor
    limits: vec4<f32>,   // largest norm, largest entry, factor of the noise, spare
}
