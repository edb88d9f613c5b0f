//! The task files that the crate carries.

/// Name and text of each file.
macro_rules! library {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../../tasks/", $name, ".ron")))),*]
    };
}

/// By name, the ten complete tasks first.
pub(super) const LIBRARY: &[(&str, &str)] = &library![
    "flip_flop",
    "sine",
    "context_integration",
    "integration",
    "cddm",
    "go_no_go",
    "memory_number",
    "delayed_discrimination",
    "path_integration",
    "path_integration_3d",
    "delayed_match",
    // Those that parse, sample and train.
    "angle_integration",
    "anti",
    "delayed_discrimination_magnitude",
    "flows",
    "frequency_discrimination",
    "go",
    "half_adder",
    "hidden_markov",
    "hyper_roessler",
    "interval_production",
    "lorenz63",
    "lorenz96",
    "match_to_category",
    "maze",
    "memory_anti_angle",
    "modular_average",
    "modular_on_off",
    "modular_subtraction",
    "multisensory",
    "multitask_15",
    "multitask_20",
    "oscillation",
    "probabilistic_reasoning",
    "ready_set_go",
    "reference_frame",
    "roessler",
    "sequence_generation",
    "siegel_miller",
    "two_alternative",
    "van_der_pol",
    "xor",
];
