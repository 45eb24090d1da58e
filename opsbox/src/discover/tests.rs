//! What is found where, and which plugin a name means.

mod repairs;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Output};

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::environ::tests::environ;
use crate::manifest::Launch;

const BUNDLED: &[BundledManifest] = &[BundledManifest {
    name: "cli_out",
    manifest: "[info]\nname='cli_out'\ntype='output'\n",
    rego: None,
}];

struct World(TempDir);

impl World {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> &Self {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
        self
    }

    fn command(&self, file: &str, name: &str) -> &Self {
        self.file(
            file,
            &format!("[info]\nname='{name}'\ntype='input'\n[run]\ncommand=['x']\n"),
        )
    }

    /// Writes an installed package with one entry point.
    fn package(&self, distribution: &str, point: &str, name: &str) -> &Self {
        let (module, class) = point.split_once(':').unwrap();
        let file = module.replace('.', "/");
        let folder = Path::new(&file).parent().unwrap().display().to_string();
        let info = format!("site/{}-1.2.dist-info", distribution.replace('-', "_"));
        self.file(
            &format!("{info}/entry_points.txt"),
            &format!("[console_scripts]\na = b:c\n\n[opsbox.plugins]\n{name}_point = {point}\n"),
        )
        .file(
            &format!("{info}/METADATA"),
            &format!("Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n\nName: no\n"),
        )
        .file(&format!("site/{file}.py"), "")
        .file(
            &format!("site/{folder}/manifest.toml"),
            &format!("[info]\nname='{name}'\ntype='output'\nmodule='m'\nclass_name='{class}'\n"),
        )
    }

    fn catalog(&self, dirs: &[&str], editable: serde_json::Value) -> Catalog {
        self.file("bin/python3", "ELF");
        fs::set_permissions(self.path("bin/python3"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(self.path("site")).unwrap();
        fs::create_dir_all(self.path("stdlib")).unwrap();
        let answer = json!({"executable": self.path("bin/python3"), "version": "3.12.1", "implementation": "cpython",
            "prefix": "/p", "sys_path": [self.path("stdlib"), self.path("site")], "editable": editable, "packages": {}});
        let run = |_: &OsStr, _: &[OsString]| -> io::Result<Output> {
            Ok(Output {
                status: ExitStatus::from_raw(0),
                stdout: answer.to_string().into(),
                stderr: vec![],
            })
        };
        let bin = self.path("bin").display().to_string();
        let environ = environ(self.0.path(), &[("PATH", &bin)]);
        let plugin_dirs: Vec<PathBuf> = dirs.iter().map(|dir| self.path(dir)).collect();
        let search = Search {
            environ: &environ,
            bundled: BUNDLED,
            plugin_dirs: &plugin_dirs,
            python: None,
            files: &[],
            run: &run,
        };
        search.catalog().unwrap()
    }
}

fn names(catalog: &Catalog) -> Vec<&str> {
    catalog.names(None).collect()
}

#[test]
fn folders_are_searched_at_any_depth_and_in_order() {
    let world = World::new();
    world
        .command("p/z/manifest.toml", "zeta")
        .command("p/a/deep/er/any.toml", "alpha")
        .command("p/.venv/x.toml", "hidden");
    world
        .file("p/pyproject.toml", "[info]\nname='no'\n")
        .file("p/other.toml", "[tool]\nx=1\n")
        .file("p/bad.toml", "[info]\nname=\n");
    world.file("p/b/manifest.toml", "[inf]\nname='b'\n");
    let catalog = world.catalog(&["p", "missing"], json!({}));
    assert_eq!(names(&catalog), ["alpha", "cli_out", "zeta"]);
    let unusable: Vec<_> = catalog
        .unusable
        .iter()
        .map(|unusable| unusable.place.clone())
        .collect();
    assert_eq!(
        unusable,
        [world.path("p/b/manifest.toml"), world.path("p/bad.toml")]
    );
    assert_eq!(
        catalog.warnings,
        [format!(
            "plugin folder `{}` does not exist",
            world.path("missing").display()
        )]
    );
}

#[test]
fn an_environment_that_was_meant_and_is_broken_is_a_warning() {
    let world = World::new();
    fs::create_dir_all(world.path("work/.venv/bin")).unwrap();
    std::os::unix::fs::symlink("/opt/gone/python3", world.path("work/.venv/bin/python3")).unwrap();
    let catalog = world.catalog(&[], json!({}));
    assert_eq!(catalog.python.unwrap().why, "PATH");
    assert_eq!(catalog.warnings.len(), 1);
    assert!(
        catalog.warnings[0].starts_with("in `./.venv` `bin/python3` leads to `/opt/gone/python3`"),
        "{:?}",
        catalog.warnings
    );
}

#[test]
fn links_that_lead_back_and_folders_in_each_other_are_seen_once() {
    let world = World::new();
    world.command("p/a/manifest.toml", "a");
    std::os::unix::fs::symlink(world.path("p"), world.path("p/a/loop")).unwrap();
    let catalog = world.catalog(&["p", "p/a"], json!({}));
    assert_eq!(names(&catalog), ["a", "cli_out"]);
    assert!(catalog.find("a").is_ok());
}

#[test]
fn entry_points_are_read_from_metadata() {
    let world = World::new();
    world.package("opsbox-idle", "idle.idle.idle:Idle", "idle");
    let catalog = world.catalog(&[], json!({}));
    let manifest = catalog.find("idle").unwrap();
    assert_eq!(
        manifest.origin,
        Origin::EntryPoint {
            manifest: world.path("site/idle/idle/manifest.toml"),
            distribution: "opsbox-idle".into(),
            version: "1.2".into(),
            value: "idle.idle.idle:Idle".into(),
            interpreter: Arc::clone(catalog.python.as_ref().unwrap()),
        }
    );
    assert_eq!(
        manifest.launch,
        Launch::Python {
            module: "idle.idle.idle".into(),
            class_name: "Idle".into(),
            entry_point: true
        }
    );
    assert_eq!(manifest.version.as_deref(), Some("1.2"));
    assert!(manifest.legacy);
}

#[test]
fn editable_installs_are_followed() {
    let world = World::new();
    world.package("opsbox-idle", "idle.mod:Idle", "idle");
    fs::create_dir_all(world.path("src")).unwrap();
    fs::rename(world.path("site/idle"), world.path("src/idle")).unwrap();
    let catalog = world.catalog(&[], json!({"idle": world.path("src/idle")}));
    assert_eq!(catalog.find("idle").unwrap().home, world.path("src/idle"));
}

#[test]
fn broken_packages_are_listed_with_their_reason() {
    let world = World::new();
    world.package("opsbox-mail", "email.email:Mail", "email_out");
    world.file("stdlib/email/__init__.py", "");
    world.package("no-manifest", "plain.mod:P", "plain");
    fs::remove_file(world.path("site/plain/manifest.toml")).unwrap();
    let catalog = world.catalog(&[], json!({}));
    assert_eq!(names(&catalog), ["cli_out"]);
    let texts: Vec<&str> = catalog
        .unusable
        .iter()
        .map(|unusable| unusable.faults[0].message.as_str())
        .collect();
    assert!(
        texts[0].contains("package no-manifest 1.2: there is no manifest `"),
        "{texts:?}"
    );
    assert!(
        texts[1].contains("Python finds `email` at `")
            && texts[1].contains("which has no module `email.email`"),
        "{texts:?}"
    );
    assert_eq!(catalog.unusable[1].name.as_deref(), Some("email_out_point"));
    assert!(catalog.unusable[1].faults[0].hints[0].contains("--force-reinstall opsbox-mail"));
}

#[test]
fn built_in_plugins_win_and_then_folders() {
    let world = World::new();
    world
        .package("opsbox-cli-output", "cli.cli:CLIOutput", "cli_out")
        .package("opsbox-rego-handler", "rh.rh:R", "rego");
    world
        .package("somebody", "mine.mine:M", "mine")
        .command("p/mine.toml", "mine")
        .command("p/cli.toml", "cli_out");
    let catalog = world.catalog(&["p"], json!({}));
    assert_eq!(names(&catalog), ["cli_out", "mine"]);
    assert_eq!(catalog.find("cli_out").unwrap().origin, Origin::Bundled);
    assert_eq!(
        catalog.find("mine").unwrap().origin,
        Origin::Folder {
            manifest: world.path("p/mine.toml")
        }
    );
    let replaced: Vec<_> = catalog
        .replaced
        .iter()
        .map(|r| (r.manifest.name.as_str(), r.warn))
        .collect();
    assert_eq!(
        replaced,
        [
            ("cli_out", true),
            ("cli_out", false),
            ("mine", true),
            ("rego", false)
        ]
    );
    assert!(
        catalog.replaced[3]
            .text()
            .starts_with("`rego` is built in here; the one of package opsbox-rego-handler 1.2 (")
    );
}

#[test]
fn name_that_comes_twice_fails_only_where_it_is_used() {
    let world = World::new();
    world
        .command("p/a.toml", "same")
        .command("q/b.toml", "same")
        .command("p/c.toml", "other");
    let catalog = world.catalog(&["p", "q"], json!({}));
    assert!(catalog.find("other").is_ok());
    let fault = catalog.find("same").unwrap_err();
    let places = format!(
        "{}; {}",
        world.path("p/a.toml").display(),
        world.path("q/b.toml").display()
    );
    assert_eq!(fault.message, format!("plugin `same` is there 2 times: {places}"));
}

#[test]
fn first_distribution_of_a_name_counts() {
    let world = World::new();
    world.package("twin", "one.one:A", "one");
    world.file("stdlib/Twin-0.1.dist-info/entry_points.txt", "[other]\nx = y:z\n");
    assert_eq!(names(&world.catalog(&[], json!({}))), ["cli_out"]);
}

#[test]
fn every_bundled_manifest_can_be_used() {
    for plugin in opsbox_plugins::BUNDLED {
        let manifest = crate::manifest::Manifest::bundled(plugin.name, plugin.manifest, plugin.rego).unwrap();
        assert_eq!(manifest.warnings, [] as [String; 0]);
    }
}
