//! The `chiliad` command.
fn main() {}
