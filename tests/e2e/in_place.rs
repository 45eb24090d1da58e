//! `pip install -U opsbox` in an environment that has the original and its plugins: same command, same imports, same plugins.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{BUILT, Sandbox, Seen, binary, python, repository, venv};

/// The original and some of its plugins, as their owners have them.
const OWNED: [&str; 5] = [
    "opsbox==0.2.5",
    "opsbox-general-handler==0.2.0",
    "opsbox-rego-handler==0.2.3",
    "opsbox-ec2-checks==0.2.0",
    "opsbox-cli-output==0.2.1",
];

/// A provider that needs no cloud, under the name that the checks use.
const PROVIDER: &str = "
from opsbox import Result

VOLUMES = [
    {'volume_id': name, 'state': state, 'size': 8, 'region': 'eu-west-1', 'create_time': '2024-01-01', 'tags': []}
    for name, state in (('vol-free', 'available'), ('vol-used', 'in-use'))
]

class P:
    def gather_data(self):
        details = {'input': {'volumes': VOLUMES}}
        return Result(relates_to='ec2', result_name='ec2', result_description='d', details=details, formatted='')
";

/// What scripts and start files of an old environment import and call.
const IMPORTS: &str = "
from opsbox import AppConfig, PluginInfo, Registry, Result
from opsbox.base_hooks import BaseSpec, HandlerSpec, add_hookspecs
from opsbox.cli import console
from opsbox.config import ApplicationSettings
from opsbox.main import main
from opsbox.plugins import PluginFlow, PluginNotFoundError
from opsbox.utils import SingletonMeta
import importlib.metadata, importlib.util
print(importlib.metadata.version('opsbox'), importlib.util.find_spec('core'), Result.__module__)
";

struct Owner {
    sandbox: Sandbox,
    folder: PathBuf,
}

impl Owner {
    /// Makes an environment with pip that sees the tests' packages, the provider, and nothing of Opsbox.
    fn new() -> Option<Self> {
        let tools = venv()?;
        let sandbox = Sandbox::new();
        let folder = sandbox.path("owned");
        run(Command::new(python()?).args(["-m", "venv"]).arg(&folder));
        let print = "import site; print(site.getsitepackages()[0])";
        let packages = run(Command::new(tools).args(["-c", print]));
        let owner = Self { sandbox, folder };
        fs::write(owner.packages().join("tools.pth"), packages).unwrap();
        let provider = "[info]\nname = \"ec2\"\nmodule = \"ec2\"\nclass_name = \"P\"\ntype = \"provider\"\n";
        owner.sandbox.write("providers/ec2.toml", provider);
        owner.sandbox.write("providers/ec2.py", PROVIDER);
        Some(owner)
    }

    fn packages(&self) -> PathBuf {
        let lib = fs::read_dir(self.folder.join("lib"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        lib.path().join("site-packages")
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    fn pip(&self, args: &[&str]) {
        let mut command = Command::new(self.program("python"));
        command
            .args(["-m", "pip", "--quiet", "--disable-pip-version-check"])
            .args(args);
        run(&mut command);
    }

    /// Returns the environment's files, but for what Python compiled.
    fn files(&self) -> BTreeSet<PathBuf> {
        let (mut found, mut open) = (BTreeSet::new(), vec![self.packages(), self.folder.join("bin")]);
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                match entry.file_name() == "__pycache__" {
                    true => {}
                    false if entry.file_type().unwrap().is_dir() => open.push(entry.path()),
                    false => {
                        found.insert(entry.path());
                    }
                }
            }
        }
        found
    }

    /// Runs a program of the environment, which is not active and not on `PATH`.
    fn runs(&self, program: &str, args: &[&str]) -> Seen {
        let mut command = Command::new(self.program(program));
        self.sandbox.surround(&mut command);
        self.sandbox
            .finish(args, command.args(args).env_remove("OPSBOX_PLUGIN_DIR"))
    }
}

/// Runs a command to its end, shows everything where it fails, and returns its stdout.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}\n{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Runs maturin in `sdk-python` and returns what it made in `folder`.
fn maturin(args: &[&str], folder: &Path) -> PathBuf {
    let mut command = Command::new(venv().unwrap().with_file_name("maturin"));
    command.args(args).arg("--out").arg(folder);
    run(command.current_dir(repository().join("sdk-python")));
    let made: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(made.len(), 1, "{made:?}");
    made[0].clone()
}

/// Makes the wheel of the binary under test: the same folder, profile and features, so cargo finds it built.
///
/// While it packs the binary, maturin has it in a folder of its own.
fn wheel(folder: &Path) -> PathBuf {
    // The name that the tests use must be there before.
    binary();
    let profile = Path::new(BUILT).parent().unwrap();
    let name = match profile.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let target = profile.parent().unwrap().to_str().unwrap();
    let args = [
        "build",
        "--profile",
        name,
        "--target-dir",
        target,
        "--auditwheel",
        "skip",
    ];
    maturin(&args, folder)
}

#[test]
fn upgrading_the_original_in_its_environment_keeps_command_imports_and_plugins() {
    let Some(owner) = Owner::new() else { return };
    let before = owner.files();
    owner.pip(&[&["install", "--no-deps", "--ignore-requires-python"], &OWNED[..]].concat());
    let original = fs::read(owner.program("opsbox")).unwrap();
    assert!(original.starts_with(b"#!"), "the original's command is a script");

    let built = wheel(&owner.sandbox.path("wheels"));
    // All that it requires is there, and nothing may be fetched.
    owner.pip(&["install", "-U", "--no-index", built.to_str().unwrap()]);

    let line = ["--modules", "stray_ebs-cli_out", "--plugin_dir", "../providers"];
    let seen = owner.runs("opsbox", &line).exits(0).prints(&["vol-free"]);
    assert!(!seen.stdout.contains("vol-used"), "{seen}");
    for module in ["opsbox", "opsbox.main"] {
        let args = [&["-m", module], &line[..]].concat();
        assert_eq!(owner.runs("python", &args).exits(0).stdout, seen.stdout);
    }
    owner
        .runs("python", &["-m", "opsbox", "--modules", "gone-cli_out"])
        .exits(2)
        .says(&["plugin `gone` not found"]);
    let imported = owner.runs("python", &["-c", IMPORTS]).exits(0);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(imported.stdout, format!("{version} None opsbox.plugins\n"));

    let python = owner.program("python3").display().to_string();
    owner
        .runs("opsbox", &["plugins", "doctor"])
        .prints(&[&python, "beside the program"]);
    let linked = owner.sandbox.path("work/linked");
    std::os::unix::fs::symlink(owner.program("opsbox"), &linked).unwrap();
    let mut command = Command::new(&linked);
    owner.sandbox.surround(&mut command);
    owner
        .sandbox
        .finish(&line, command.args(line))
        .exits(0)
        .prints(&["vol-free"]);

    let names = OWNED.map(|requirement| requirement.split('=').next().unwrap());
    owner.pip(&[&["uninstall", "--yes"], &names[..]].concat());
    let left: Vec<_> = owner.files().difference(&before).cloned().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_python_without_the_program_says_how_to_install_it_and_takes_the_one_on_path() {
    let Some(tools) = venv() else { return };
    let sandbox = Sandbox::new();
    let run = |path: &Path| {
        let mut command = Command::new(&tools);
        sandbox.surround(&mut command);
        let source = repository().join("sdk-python/src");
        let args = ["-m", "opsbox", "plugins", "doctor"];
        let command = command.args(args).env("PYTHONPATH", source).env("PATH", path);
        sandbox.finish(&args, command)
    };
    let nowhere = sandbox.path("tmp");
    run(&nowhere).exits(1).says(&[
        "the program `opsbox` is not installed for this Python",
        "-m pip install -U opsbox",
    ]);
    // A script of the same name may be what called this, so it is passed over.
    sandbox.write("tmp/opsbox", "#!/bin/sh\nexit 9\n");
    run(&nowhere).exits(1);
    let found = run(binary().parent().unwrap());
    found.prints(&[tools.to_str().unwrap(), "OPSBOX_PYTHON"]);
}

#[test]
fn the_source_distribution_holds_everything_that_the_program_is_built_from() {
    let Some(tools) = venv() else { return };
    let sandbox = Sandbox::new();
    let made = maturin(&["sdist"], &sandbox.path("sdist"));
    let list = "import sys, tarfile; print(*tarfile.open(sys.argv[1]).getnames(), sep='\\n')";
    let names = run(Command::new(tools).args(["-c", list]).arg(made));
    let root = format!("opsbox-{}/", env!("CARGO_PKG_VERSION"));
    let held: BTreeSet<&str> = names
        .lines()
        .filter_map(|name| name.strip_prefix(&root))
        .collect();
    for name in ["pyproject.toml", "PKG-INFO", "Cargo.toml", "Cargo.lock"] {
        assert!(held.contains(name), "{name}\n{names}");
    }
    let mut open = [
        "opsbox/src",
        "opsbox/bulk/src",
        "plugins",
        "protocol/src",
        "plugin-sdk-rs/src",
        "sdk-python/src",
    ]
    .map(PathBuf::from)
    .to_vec();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(repository().join(&folder))
            .unwrap()
            .map(Result::unwrap)
        {
            let path = folder.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true if entry.file_name() == "__pycache__" => {}
                true => open.push(path),
                false => assert!(
                    held.contains(path.to_str().unwrap()),
                    "{} is missing",
                    path.display()
                ),
            }
        }
    }
}
