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
    "delayed_match",
];
