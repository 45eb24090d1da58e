//! A machine's files for tests.

use tempfile::TempDir;

use super::root::Root;

/// Makes a folder that stands for `/`, with these files.
pub(super) fn root(files: &[(&str, &str)]) -> (TempDir, Root) {
    let temp = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = temp.path().join(path);
        std::fs::create_dir_all(path.parent().expect("inside the folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    let root = Root::new(temp.path());
    (temp, root)
}
