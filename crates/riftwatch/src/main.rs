//! The riftwatch program.

fn main() {}
