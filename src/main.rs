//! The daemon and its one-shot form; everything is in the library.

fn main() {}
