//! The Python files of Opsbox (bridge, SDK, the names that old plugins import), as data for the host.

/// Every Python file: its path below the folder that goes on `sys.path`, with `/` between its parts, and its text. Sorted by path.
pub const FILES: &[(&str, &str)] = &[
    ("opsbox/__init__.py", include_str!("src/opsbox/__init__.py")),
    ("opsbox/__main__.py", include_str!("src/opsbox/__main__.py")),
    (
        "opsbox/_bridge/__init__.py",
        include_str!("src/opsbox/_bridge/__init__.py"),
    ),
    (
        "opsbox/_bridge/calls.py",
        include_str!("src/opsbox/_bridge/calls.py"),
    ),
    (
        "opsbox/_bridge/config.py",
        include_str!("src/opsbox/_bridge/config.py"),
    ),
    (
        "opsbox/_bridge/diagnose.py",
        include_str!("src/opsbox/_bridge/diagnose.py"),
    ),
    (
        "opsbox/_bridge/handling.py",
        include_str!("src/opsbox/_bridge/handling.py"),
    ),
    (
        "opsbox/_bridge/hooks.py",
        include_str!("src/opsbox/_bridge/hooks.py"),
    ),
    (
        "opsbox/_bridge/inject.py",
        include_str!("src/opsbox/_bridge/inject.py"),
    ),
    (
        "opsbox/_bridge/keys.py",
        include_str!("src/opsbox/_bridge/keys.py"),
    ),
    (
        "opsbox/_bridge/leaving.py",
        include_str!("src/opsbox/_bridge/leaving.py"),
    ),
    (
        "opsbox/_bridge/loading.py",
        include_str!("src/opsbox/_bridge/loading.py"),
    ),
    (
        "opsbox/_bridge/main.py",
        include_str!("src/opsbox/_bridge/main.py"),
    ),
    (
        "opsbox/_bridge/plain_yaml.py",
        include_str!("src/opsbox/_bridge/plain_yaml.py"),
    ),
    (
        "opsbox/_bridge/preload.py",
        include_str!("src/opsbox/_bridge/preload.py"),
    ),
    (
        "opsbox/_bridge/probe.py",
        include_str!("src/opsbox/_bridge/probe.py"),
    ),
    (
        "opsbox/_bridge/reading.py",
        include_str!("src/opsbox/_bridge/reading.py"),
    ),
    (
        "opsbox/_bridge/registry.py",
        include_str!("src/opsbox/_bridge/registry.py"),
    ),
    (
        "opsbox/_bridge/service.py",
        include_str!("src/opsbox/_bridge/service.py"),
    ),
    (
        "opsbox/_bridge/spawned.py",
        include_str!("src/opsbox/_bridge/spawned.py"),
    ),
    (
        "opsbox/_bridge/standins/core/__init__.py",
        include_str!("src/opsbox/_bridge/standins/core/__init__.py"),
    ),
    (
        "opsbox/_bridge/standins/core/base_hooks.py",
        include_str!("src/opsbox/_bridge/standins/core/base_hooks.py"),
    ),
    (
        "opsbox/_bridge/standins/core/cli.py",
        include_str!("src/opsbox/_bridge/standins/core/cli.py"),
    ),
    (
        "opsbox/_bridge/standins/core/config.py",
        include_str!("src/opsbox/_bridge/standins/core/config.py"),
    ),
    (
        "opsbox/_bridge/standins/core/main.py",
        include_str!("src/opsbox/_bridge/standins/core/main.py"),
    ),
    (
        "opsbox/_bridge/standins/core/plugins.py",
        include_str!("src/opsbox/_bridge/standins/core/plugins.py"),
    ),
    (
        "opsbox/_bridge/standins/core/utils.py",
        include_str!("src/opsbox/_bridge/standins/core/utils.py"),
    ),
    (
        "opsbox/_bridge/standins/pluggy.py",
        include_str!("src/opsbox/_bridge/standins/pluggy.py"),
    ),
    (
        "opsbox/_bridge/threads.py",
        include_str!("src/opsbox/_bridge/threads.py"),
    ),
    (
        "opsbox/_bridge/zygote.py",
        include_str!("src/opsbox/_bridge/zygote.py"),
    ),
    ("opsbox/_facts.py", include_str!("src/opsbox/_facts.py")),
    ("opsbox/_models.py", include_str!("src/opsbox/_models.py")),
    ("opsbox/_names.py", include_str!("src/opsbox/_names.py")),
    ("opsbox/_original.py", include_str!("src/opsbox/_original.py")),
    ("opsbox/_shapes.py", include_str!("src/opsbox/_shapes.py")),
    (
        "opsbox/_wire/__init__.py",
        include_str!("src/opsbox/_wire/__init__.py"),
    ),
    (
        "opsbox/_wire/asking.py",
        include_str!("src/opsbox/_wire/asking.py"),
    ),
    (
        "opsbox/_wire/channel.py",
        include_str!("src/opsbox/_wire/channel.py"),
    ),
    ("opsbox/_wire/codec.py", include_str!("src/opsbox/_wire/codec.py")),
    (
        "opsbox/_wire/errors.py",
        include_str!("src/opsbox/_wire/errors.py"),
    ),
    (
        "opsbox/_wire/faults.py",
        include_str!("src/opsbox/_wire/faults.py"),
    ),
    (
        "opsbox/_wire/forked.py",
        include_str!("src/opsbox/_wire/forked.py"),
    ),
    ("opsbox/_wire/loop.py", include_str!("src/opsbox/_wire/loop.py")),
    (
        "opsbox/_wire/message.py",
        include_str!("src/opsbox/_wire/message.py"),
    ),
    (
        "opsbox/_wire/native.py",
        include_str!("src/opsbox/_wire/native.py"),
    ),
    ("opsbox/_wire/newer.py", include_str!("src/opsbox/_wire/newer.py")),
    (
        "opsbox/_wire/records.py",
        include_str!("src/opsbox/_wire/records.py"),
    ),
    (
        "opsbox/_wire/results.py",
        include_str!("src/opsbox/_wire/results.py"),
    ),
    ("opsbox/_wire/stdio.py", include_str!("src/opsbox/_wire/stdio.py")),
    (
        "opsbox/_wire/values.py",
        include_str!("src/opsbox/_wire/values.py"),
    ),
    ("opsbox/base_hooks.py", include_str!("src/opsbox/base_hooks.py")),
    ("opsbox/cli.py", include_str!("src/opsbox/cli.py")),
    ("opsbox/config.py", include_str!("src/opsbox/config.py")),
    ("opsbox/main.py", include_str!("src/opsbox/main.py")),
    ("opsbox/plugins.py", include_str!("src/opsbox/plugins.py")),
    (
        "opsbox/sdk/__init__.py",
        include_str!("src/opsbox/sdk/__init__.py"),
    ),
    (
        "opsbox/sdk/_context.py",
        include_str!("src/opsbox/sdk/_context.py"),
    ),
    ("opsbox/sdk/_host.py", include_str!("src/opsbox/sdk/_host.py")),
    ("opsbox/sdk/_plugin.py", include_str!("src/opsbox/sdk/_plugin.py")),
    ("opsbox/sdk/_result.py", include_str!("src/opsbox/sdk/_result.py")),
    ("opsbox/sdk/_schema.py", include_str!("src/opsbox/sdk/_schema.py")),
    (
        "opsbox/sdk/_service.py",
        include_str!("src/opsbox/sdk/_service.py"),
    ),
    ("opsbox/sdk/testing.py", include_str!("src/opsbox/sdk/testing.py")),
    ("opsbox/utils.py", include_str!("src/opsbox/utils.py")),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::FILES;

    #[test]
    fn files_holds_every_python_file_under_src() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap_or_else(|err| panic!("{}: {err}", folder.display())) {
                let path: PathBuf = entry.expect("a readable entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|ending| ending == "py") {
                    let below = path.strip_prefix(&root).expect("a path below src");
                    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
                    found.push(parts.join("/"));
                }
            }
        }
        found.sort();
        let listed: Vec<_> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(
            listed, found,
            "list every file of sdk-python/src in sdk-python/lib.rs, sorted"
        );
    }
}
