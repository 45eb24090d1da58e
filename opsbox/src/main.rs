//! The `opsbox` command.
fn main() {}
