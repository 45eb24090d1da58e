//! What must hold whatever strangers write: a function for each fuzz target, which `cargo test` calls over the corpus as well.

pub mod classification;
pub mod config;
pub mod fixture;
pub mod framing;
pub mod kept;
pub mod legacy;
pub mod manifest;
pub mod packages;
pub mod rego;
pub mod results;
pub mod text;

/// A target's function: it panics where a property does not hold.
pub type Check = fn(&[u8]);

/// All targets, by the names of their folders in `corpus/`.
pub const TARGETS: [(&str, Check); 11] = [
    ("framing", framing::check),
    ("classification", classification::check),
    ("results", results::check),
    ("manifest", manifest::check),
    ("config", config::check),
    ("legacy", legacy::check),
    ("packages", packages::check),
    ("rego", rego::check),
    ("kept", kept::check),
    ("fixture", fixture::check),
    ("text", text::check),
];

/// Asserts that a piece is a slice of the whole, not a copy of it.
#[track_caller]
fn assert_lies_in(piece: &str, whole: &str) {
    let outer = whole.as_bytes().as_ptr_range();
    let inner = piece.as_bytes().as_ptr_range();
    assert!(
        outer.start <= inner.start && inner.end <= outer.end,
        "{piece:?} is no slice of the line"
    );
}
