//! The WGSL text of Chiliad, each fragment a named constant. No logic lives here: the crate exists so that the text is
//! packaged with the binary and can be read, linted and edited as files.

/// A WGSL fragment and, where it has one, the RON sidecar of the same stem.
#[derive(Clone, Copy, Debug)]
pub struct Fragment {
    /// Stem of the file, the name users write.
    pub name: &'static str,
    /// Path inside the crate, for error messages.
    pub path: &'static str,
    /// WGSL text.
    pub wgsl: &'static str,
    /// Text of the sidecar; empty where there is none.
    pub sidecar: &'static str,
}

macro_rules! with_sidecar {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(Fragment {
            name: $name,
            path: concat!($folder, "/", $name, ".wgsl"),
            wgsl: include_str!(concat!("../", $folder, "/", $name, ".wgsl")),
            sidecar: include_str!(concat!("../", $folder, "/", $name, ".ron")),
        }),*]
    };
}

/// Cells: one WGSL file and one sidecar each.
pub const CELLS: &[Fragment] = with_sidecar!("cells":
    "vanilla", "rate", "rate_current", "ugrnn", "mgu", "gru", "gru_reset_after", "lstm", "antisymmetric",
    "plrnn", "al_rnn", "shplrnn", "shplrnn_clipped", "state_space", "state_space_complex", "linear_attention",
    "modern_hopfield",
);

/// Activations: one pure function each.
pub const ACTIVATIONS: &[Fragment] = with_sidecar!("activations":
    "tanh", "relu", "sigmoid", "softplus", "leaky_relu", "gelu", "erf", "saturating_linear", "identity",
);

macro_rules! plain {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(Fragment {
            name: $name,
            path: concat!($folder, "/", $name, ".wgsl"),
            wgsl: include_str!(concat!("../", $folder, "/", $name, ".wgsl")),
            sidecar: "",
        }),*]
    };
}

/// Functions that kernels share.
pub const SHARED: &[Fragment] = plain!("shared":
    "math", "threefry", "dims", "network", "quad", "lane", "noise",
    "constraint_none", "constraint_rules", "activity_none", "activity_rate", "dimension_none", "dimension_slope", "own_none", "forcing",
    "reduce", "gather_parameters", "gather_matrices", "matrices", "tiles",
);

/// Kernels and the phases they are made of.
pub const KERNELS: &[Fragment] = plain!("kernels":
    "link_weights", "materialise", "invert_readout", "measure_activity", "slope_dimension", "pull_back", "forward", "readout_value", "readout", "readout_cross_entropy", "backward", "gradient", "train_step", "optimise", "roll_out", "evaluate", "descend", "lyapunov",
    "threefry_words", "math_values",
);
