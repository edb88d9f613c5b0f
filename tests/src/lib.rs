//! Test support shared by the files under `tests/`.
