//! What can be wrong with what is to be compared.

/// What was wrong, in which array, and what is allowed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DistanceError {
    /// An array that cannot be used.
    #[error("{name} {shape:?}: {what}; allowed: {allowed}")]
    Array {
        /// Which.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// What is wrong.
        what: String,
        /// What would do.
        allowed: String,
    },
    /// Two arrays that cannot be compared.
    #[error("{operation}: {first} and {second} differ in {what}; allowed: {allowed}")]
    Pair {
        /// The distance asked for.
        operation: &'static str,
        /// Name and shape.
        first: String,
        /// Name and shape.
        second: String,
        /// What differs.
        what: String,
        /// What would do.
        allowed: String,
    },
    /// An option out of range.
    #[error("{option} {value}; allowed: {allowed}")]
    Setting {
        /// Its name.
        option: &'static str,
        /// As given.
        value: String,
        /// What would do.
        allowed: String,
    },
    /// A decomposition that found no answer in f64.
    #[error("{operation} of {name}: no answer in f64; allowed: finite values of moderate size")]
    Numerics {
        /// What was computed.
        operation: &'static str,
        /// Of what.
        name: String,
    },
}

/// Name and shape of one of a pair.
pub(crate) fn described(name: &str, shape: &[usize]) -> String {
    format!("{name} {shape:?}")
}
