//! The templates: which files a plugin consists of, by type and language. Their texts are in `opsbox/templates`.

use super::{Kind, Lang};

/// Stands in templates for the plugin's name.
pub(super) const NAME: &str = "my_plugin";
/// Stands in manifests for the command's items.
pub(super) const COMMAND: &str = "\"my_command\"";

/// A file of a template.
pub(super) struct Template {
    /// Where it comes to lie in the plugin's folder.
    pub(super) path: &'static str,
    pub(super) text: &'static str,
}

/// Makes a file out of a path and a text of `opsbox/templates`.
macro_rules! file {
    ($path:literal, $($part:literal),+) => {
        Template { path: $path, text: include_str!(concat!("../../templates/", $($part),+)) }
    };
}

/// Chooses by type among the texts of one file, which lie in a folder for each.
macro_rules! by_kind {
    ($kind:expr, $path:literal, $lang:literal, $file:literal, [$($variant:ident = $folder:literal),+]) => {
        match $kind {
            $(Kind::$variant => Some(file!($path, $lang, "/", $folder, "/", $file)),)+
            _ => None,
        }
    };
    ($kind:expr, $path:literal, $lang:literal, $file:literal) => {
        by_kind!($kind, $path, $lang, $file, [
            Provider = "provider", Input = "input", Assistant = "assistant", Output = "output", Handler = "handler"
        ])
    };
}

/// Returns the files of a template: what the author changes first, and what speaks the protocol last.
pub(super) fn of(kind: Kind, lang: Lang) -> Vec<Template> {
    let example = (kind == Kind::Handler).then_some(file!("example.toml", "manifest/example.toml"));
    std::iter::once(manifest(kind))
        .chain(example)
        .chain(code(kind, lang))
        .collect()
}

fn manifest(kind: Kind) -> Template {
    match kind {
        Kind::Provider => file!("manifest.toml", "manifest/provider.toml"),
        Kind::Input => file!("manifest.toml", "manifest/input.toml"),
        Kind::Rego => file!("manifest.toml", "manifest/rego.toml"),
        Kind::Assistant => file!("manifest.toml", "manifest/assistant.toml"),
        Kind::Output => file!("manifest.toml", "manifest/output.toml"),
        Kind::Handler => file!("manifest.toml", "manifest/handler.toml"),
    }
}

fn code(kind: Kind, lang: Lang) -> Vec<Template> {
    let files = match lang {
        Lang::Python => vec![
            by_kind!(kind, "plugin.py", "python", "plugin.py"),
            by_kind!(kind, "test_plugin.py", "python", "test_plugin.py"),
            Some(file!("wire.py", "python/wire.py")),
            Some(file!(".gitignore", "python/gitignore")),
        ],
        Lang::Rust => vec![
            by_kind!(kind, "src/main.rs", "rust", "main.rs"),
            Some(file!("src/wire.rs", "rust/wire.rs")),
            Some(file!("src/wire/testing.rs", "rust/testing.rs")),
            Some(file!("Cargo.toml", "rust/Cargo.toml")),
            Some(file!(".gitignore", "rust/gitignore")),
        ],
        Lang::Go => vec![
            by_kind!(kind, "plugin.go", "go", "plugin.go"),
            by_kind!(kind, "plugin_test.go", "go", "plugin_test.go"),
            Some(file!("wire.go", "go/wire.go")),
            Some(file!("wire_test.go", "go/wire_test.go")),
            Some(file!("stdio_linux.go", "go/stdio_linux.go")),
            Some(file!("stdio_other.go", "go/stdio_other.go")),
            Some(file!("go.mod", "go/go.mod")),
            Some(file!(".gitignore", "go/gitignore")),
        ],
        Lang::Node => vec![
            by_kind!(kind, "plugin.js", "node", "plugin.js"),
            by_kind!(kind, "plugin.test.js", "node", "plugin.test.js"),
            Some(file!("wire.js", "node/wire.js")),
            Some(file!("run.sh", "node/run.sh")),
        ],
        Lang::Sh => vec![
            by_kind!(
                kind,
                "plugin.sh",
                "sh",
                "plugin.sh",
                [Provider = "provider", Input = "input", Output = "output"]
            ),
            by_kind!(
                kind,
                "test.sh",
                "sh",
                "test.sh",
                [Provider = "provider", Input = "input", Output = "output"]
            ),
            Some(file!("wire.sh", "sh/wire.sh")),
        ],
        Lang::Rego => vec![
            Some(file!("my_plugin.rego", "rego/my_plugin.rego")),
            Some(file!("my_plugin_test.rego", "rego/my_plugin_test.rego")),
            Some(file!("tests/busy.input.json", "rego/busy.input.json")),
            Some(file!("tests/busy.expected.json", "rego/busy.expected.json")),
        ],
    };
    files.into_iter().flatten().collect()
}
