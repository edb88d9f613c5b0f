//! Holds the derived adjoint of a cell against finite differences, in f64.
