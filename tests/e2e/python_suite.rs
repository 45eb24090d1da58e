//! The Python files' own tests, and their linter.

use std::process::Command;

use crate::support::{binary, repository, venv};

#[test]
fn the_python_tests_pass() {
    let Some(python) = venv() else { return };
    let output = Command::new(python)
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .current_dir(repository().join("sdk-python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("OPSBOX_PROGRAM", binary())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("[100%]"), "{text}");
}
