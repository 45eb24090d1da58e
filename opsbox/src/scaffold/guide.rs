//! What an author is told: the README of ten lines, and what to do next.

use super::templates::NAME;
use super::{Kind, Lang};

/// A command for the author, as it is typed in the plugin's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The command.
    pub line: String,
    /// What it does.
    pub does: String,
}

impl Lang {
    /// Returns the items of a manifest's `command`, in TOML.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Python => r#""python3", "./plugin.py""#,
            Self::Rust => r#""./target/release/opsbox_my_plugin""#,
            Self::Go => r#""./opsbox_my_plugin""#,
            Self::Node => r#""sh", "./run.sh""#,
            Self::Sh => r#""sh", "./plugin.sh""#,
            Self::Rego => "",
        }
    }

    /// Returns what builds it, where something must, and runs its tests.
    fn build_and_test(self) -> &'static str {
        match self {
            Self::Python => "python3 -m unittest",
            Self::Rust => "cargo build --release && cargo test --release",
            Self::Go => "go build && go test",
            Self::Node => "node --test plugin.test.js",
            Self::Sh => "sh test.sh",
            Self::Rego => "opsbox check test .",
        }
    }

    /// Returns the program without which it cannot be built or run; `None` where Opsbox is enough.
    pub fn program(self) -> Option<&'static str> {
        match self {
            Self::Python => Some("python3"),
            Self::Rust => Some("cargo"),
            Self::Go => Some("go"),
            Self::Node => Some("node"),
            Self::Sh => Some("sh"),
            Self::Rego => None,
        }
    }

    /// Returns what it needs, as the end of a sentence.
    fn needs(self) -> &'static str {
        match self {
            Self::Python => "Python 3.9 or newer and no package",
            Self::Rust => {
                "Rust, and two crates for what the standard library cannot do: `serde_json` reads JSON, `rustix` moves descriptors"
            }
            Self::Go => "Go 1.21 or newer and the standard library",
            Self::Node => "Node.js 18 or newer and no package",
            Self::Sh => "any POSIX shell and no other program (its tests use `mktemp`)",
            Self::Rego => "no program: Opsbox evaluates the policy",
        }
    }

    /// Returns what each file is for.
    fn files(self) -> &'static str {
        match self {
            Self::Python => {
                "`plugin.py` does the work, `wire.py` speaks the protocol; classes with Pluggy hooks, as for Opsbox 0.x, work without it"
            }
            Self::Rust => "`src/main.rs` does the work, `src/wire.rs` speaks the protocol",
            Self::Go => {
                "`plugin.go` does the work, `wire.go` speaks the protocol, `stdio_*.go` move descriptors"
            }
            Self::Node => {
                "`plugin.js` does the work, `wire.js` speaks the protocol, `run.sh` moves descriptors, which Node.js cannot"
            }
            Self::Sh => {
                "`plugin.sh` does the work, `wire.sh` speaks the protocol; both rely on the order of members that the host promises, not on a JSON parser"
            }
            Self::Rego => {
                "`my_plugin.rego` is the policy, `tests` has data of a provider and what the policy finds in it"
            }
        }
    }
}

impl Kind {
    /// Returns what the template does, after its name.
    fn does(self) -> &'static str {
        match self {
            Self::Provider => "gathers how busy this machine is",
            Self::Input | Self::Rego => "finds a machine with too much work",
            Self::Assistant => "puts first how many findings there are",
            Self::Output => "writes all results into one JSON file",
            Self::Handler => "runs plugins of the type `my_plugin_type`, of which `my_plugin_example` is one",
        }
    }

    /// Returns a pipeline with it.
    fn pipeline(self) -> &'static str {
        match self {
            Self::Provider => "my_plugin-json_out",
            Self::Input | Self::Rego => "my_plugin-cli_out",
            Self::Assistant => "disk_space,inodes-my_plugin-cli_out",
            Self::Output => "disk_space,inodes-my_plugin",
            Self::Handler => "my_plugin_example-cli_out",
        }
    }

    /// Returns what a run shows.
    fn shows(self) -> &'static str {
        match self {
            Self::Provider => "then read findings/host/my_plugin.json",
            Self::Input | Self::Rego => "with --set my_plugin_max_load=0 it finds something",
            Self::Assistant => "between checks and an output",
            Self::Output => "then read my_plugin.json",
            Self::Handler => "the plugin of example.toml, run by the handler",
        }
    }
}

/// Returns what to do next, in the plugin's folder: its tests, the protocol, a run.
pub(super) fn commands(name: &str, kind: Kind, lang: Lang) -> [Command; 3] {
    let command = |line: &str, does: &str| Command {
        line: line.replace(NAME, name),
        does: does.replace(NAME, name),
    };
    let proof = match lang {
        Lang::Rego => command(
            "opsbox check eval my_plugin.rego --input tests/busy.input.json",
            "the policy on its test data",
        ),
        _ => command("opsbox plugin test .", "whether it keeps the protocol"),
    };
    let run = format!("opsbox run {} --plugin-dir .", kind.pipeline());
    [
        command(lang.build_and_test(), "its own tests"),
        proof,
        command(&run, kind.shows()),
    ]
}

/// Returns the README: ten lines, whatever the plugin.
pub(super) fn readme(name: &str, kind: Kind, lang: Lang) -> String {
    let [tests, proof, run] = lines(&commands(name, kind, lang));
    let head = format!(
        "{} in {} for Opsbox. It {}. It needs {}.",
        kind.title(),
        lang.title(),
        kind.does(),
        lang.needs()
    );
    let files = format!("`manifest.toml` has name, fields and command; {}.", lang.files());
    let lines = [
        "# my_plugin",
        "",
        &head,
        "",
        "```sh",
        &tests,
        &proof,
        &run,
        "```",
        &files,
    ];
    lines.join("\n").replace(NAME, name) + "\n"
}

/// Returns commands with what they do behind them, in a column.
pub fn lines<const N: usize>(commands: &[Command; N]) -> [String; N] {
    let width = commands
        .iter()
        .map(|command| command.line.len())
        .max()
        .unwrap_or_default();
    commands
        .each_ref()
        .map(|Command { line, does }| format!("{line:width$}  # {does}"))
}
