//! What crosses crates: models in `loom/`, tests in `tests/`. The README is here,
//! so that what it shows is compiled and run.
#![doc = include_str!("../../README.md")]
