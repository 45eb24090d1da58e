//! What cargo built for the tests, and the folder that it built in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where cargo put the binary under test. For a while it is not there: maturin moves it away while it packs it.
pub const BUILT: &str = env!("CARGO_BIN_EXE_opsbox");

/// The binary under test, by a name of its own that stays whatever a test does to what cargo built.
pub fn binary() -> PathBuf {
    static LINKED: OnceLock<PathBuf> = OnceLock::new();
    LINKED
        .get_or_init(|| {
            let folder = Path::new(BUILT).with_file_name("e2e");
            let (fresh, program) = (folder.join(std::process::id().to_string()), folder.join("opsbox"));
            fs::create_dir_all(&folder).unwrap();
            fs::hard_link(BUILT, &fresh).unwrap();
            fs::rename(&fresh, &program).unwrap();
            // Where both names were of one file already, renaming does nothing.
            let _gone = fs::remove_file(&fresh);
            program
        })
        .clone()
}

/// The folder that cargo builds in; what the tests keep from one run to the next lies there as well.
pub fn target() -> PathBuf {
    Path::new(BUILT).ancestors().nth(2).unwrap().to_owned()
}

/// An example of the workspace that the tests run as a program.
pub fn example(name: &str) -> PathBuf {
    let program = Path::new(BUILT).with_file_name("examples").join(name);
    assert!(
        program.is_file(),
        "{} is not built: run `cargo build --workspace --examples` first",
        program.display()
    );
    program
}
