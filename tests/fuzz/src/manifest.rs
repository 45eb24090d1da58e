//! A manifest: what is accepted can be trusted, and what is refused is told with its line.

use std::path::{Component, Path};

use opsbox::fuzzing;
use opsbox::manifest::{Launch, Manifest, Policy};

/// The input is the text of the file.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let path = Path::new("/nowhere/fuzz/manifest.toml");
    match fuzzing::manifest(path, text) {
        Ok(manifest) => {
            assert!(
                toml::from_str::<toml::Table>(text).is_ok(),
                "no TOML, but a manifest"
            );
            check_accepted(&manifest);
            let again = fuzzing::manifest(path, text).expect("accepted before");
            assert_eq!(again, manifest);
        }
        Err(bad) => {
            assert!(!bad.faults.is_empty(), "refused without a reason");
            let n_lines = text.matches('\n').count() + 1;
            for fault in &bad.faults {
                let line = fault
                    .message
                    .strip_prefix("manifest `/nowhere/fuzz/manifest.toml`, line ")
                    .and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
                assert!(
                    line.is_some_and(|line| line >= 1 && line <= n_lines),
                    "{}",
                    fault.message
                );
            }
        }
    }
}

fn check_accepted(manifest: &Manifest) {
    let name = &manifest.name;
    let acts = |c: char| opsbox::ui::text::is_harmful(c) || c.is_whitespace() || "-,/\\".contains(c);
    assert!(
        !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && !name.contains(acts),
        "{name:?}"
    );
    assert!(manifest.protocol.0 <= 1 && manifest.protocol.1 >= 1);
    if let Launch::Command { argv } = &manifest.launch {
        assert!(!argv[0].trim().is_empty());
    }
    if let Some(Policy::File(file)) = manifest.rego.as_ref().map(|rego| &rego.policy) {
        assert!(file.starts_with(&manifest.home));
        assert!(
            file.components().all(|part| part != Component::ParentDir),
            "{}",
            file.display()
        );
    }
    if let Some(schema) = &manifest.config_schema {
        assert!(schema["properties"].is_object());
        let _words = fuzzing::words(schema);
    }
    let timeouts = &manifest.timeouts;
    for time in [timeouts.handshake, timeouts.hook_total, timeouts.stdin_stall]
        .into_iter()
        .flatten()
    {
        assert!(time.as_secs() <= 366 * 86_400);
    }
}
