//! Packages whose entry points say something wrong that the package itself tells rightly.

use serde_json::json;

use super::{Catalog, World, names};
use crate::manifest::Launch;

impl World {
    /// Writes an installed package whose `RECORD` lists its files.
    fn recorded(&self, point: &str, files: &[(&str, &str)]) -> &Self {
        let info = "site/odd-1.2.dist-info";
        self.file(
            &format!("{info}/entry_points.txt"),
            &format!("[opsbox.plugins]\npoint = {point}\n"),
        );
        self.file(
            &format!("{info}/METADATA"),
            "Metadata-Version: 2.1\nName: odd\nVersion: 1.2\n",
        );
        let mut record = String::from("odd-1.2.dist-info/METADATA,,\n\"a, b.py\",sha256=x,1\n");
        for (path, text) in files {
            self.file(&format!("site/{path}"), text);
            record.push_str(&format!("{path},sha256=x,1\n"));
        }
        self.file(&format!("{info}/RECORD"), &record)
    }
}

fn info(name: &str, module: &str, class: &str) -> String {
    format!("[info]\nname='{name}'\ntype='output'\nmodule='{module}'\nclass_name='{class}'\n")
}

/// Returns what a plugin is started with and its warnings, the sandbox's path left out.
fn launched(world: &World, catalog: &Catalog, name: &str) -> (String, String, bool, Vec<String>) {
    let manifest = catalog.find(name).unwrap_or_else(|fault| panic!("{fault:?}"));
    let Launch::Python {
        module,
        class_name,
        entry_point,
    } = &manifest.launch
    else {
        panic!("{manifest:?}")
    };
    let root = world.path("").display().to_string();
    let warnings = manifest.warnings.iter().map(|text| text.replace(&root, "/"));
    (
        module.clone(),
        class_name.clone(),
        *entry_point,
        warnings.collect(),
    )
}

fn fault(catalog: &Catalog) -> String {
    catalog.find("point").unwrap_err().message
}

#[test]
fn module_that_another_one_hides_is_taken_from_its_own_package() {
    let world = World::new();
    world.file("stdlib/email/__init__.py", "");
    let files = [
        ("email/smtp.py", "class Mail: pass"),
        ("email/manifest.toml", &info("mail", "smtp", "Mail")),
    ];
    world.recorded("email.email.smtp:Mail", &files);
    let catalog = world.catalog(&[], json!({}));
    assert_eq!(
        launched(&world, &catalog, "mail"),
        (
            "email.email.smtp".into(),
            "Mail".into(),
            false,
            vec![
                "entry point `point` of package odd 1.2: it names module `email.email.smtp`, but Python finds `email` at `/stdlib/email`, \
                 which has no module `email.email.smtp`; `/site/email/smtp.py` of the same package was taken for it"
                    .into()
            ]
        )
    );
}

#[test]
fn plain_module_of_the_standard_library_hides_a_folder_of_its_name() {
    let world = World::new();
    world.file("stdlib/calendar.py", "");
    let files = [
        ("calendar/plug.py", "class Plug: pass"),
        ("calendar/manifest.toml", &info("days", "plug", "Plug")),
    ];
    world.recorded("calendar.plug:Plug", &files);
    let catalog = world.catalog(&[], json!({}));
    let (_, _, entry_point, warnings) = launched(&world, &catalog, "days");
    assert!(!entry_point);
    assert!(
        warnings[0].contains("Python finds `calendar` at `/stdlib/calendar.py`"),
        "{warnings:?}"
    );
}

#[test]
fn of_two_files_that_a_module_could_mean_the_one_with_the_class_is_taken_or_none() {
    let world = World::new();
    world.file("stdlib/email/__init__.py", "");
    let manifest = info("mail", "smtp", "Mail");
    let mut files = vec![
        ("a/smtp.py", "class Mail: pass"),
        ("a/manifest.toml", manifest.as_str()),
        ("b/smtp.py", "class Other: pass"),
    ];
    world.recorded("email.smtp:Mail", &files);
    assert_eq!(names(&world.catalog(&[], json!({}))), ["cli_out", "mail"]);
    files[2].1 = "class Mail: pass";
    world.recorded("email.smtp:Mail", &files);
    let catalog = world.catalog(&[], json!({}));
    assert_eq!(names(&catalog), ["cli_out"]);
    assert!(
        fault(&catalog).contains("which has no module `email.smtp`"),
        "{}",
        fault(&catalog)
    );
}

#[test]
fn class_that_differs_in_case_only_is_taken_where_there_is_one() {
    for (source, class, warned) in [
        ("class PagerOutput: pass", "PagerOutput", true),
        ("from x import pagerOutput", "pagerOutput", false),
        (
            "class PagerOutput: pass\nclass Pageroutput: pass",
            "pagerOutput",
            false,
        ),
        ("class Something: pass", "pagerOutput", false),
    ] {
        let world = World::new();
        let manifest = info("pager", "pager", "PagerOutput");
        let files = [
            ("pager/pager.py", source),
            ("pager/manifest.toml", manifest.as_str()),
        ];
        world.recorded("pager.pager:pagerOutput", &files);
        let (_, taken, entry_point, warnings) = launched(&world, &world.catalog(&[], json!({})), "pager");
        assert_eq!((taken.as_str(), entry_point), (class, true), "{source}");
        assert_eq!(warnings.len(), usize::from(warned), "{source}: {warnings:?}");
        for warning in warnings {
            assert!(warning.ends_with("`PagerOutput` was taken, which differs in case only"));
        }
    }
}

#[test]
fn manifest_elsewhere_in_the_package_is_found_by_its_class_then_by_its_module() {
    let world = World::new();
    let (right, wrong) = (info("right", "other", "Plug"), info("wrong", "plug", "Other"));
    let files = [
        ("deep/er/plug.py", "class Plug: pass"),
        ("deep/one.toml", right.as_str()),
        ("deep/two.toml", wrong.as_str()),
    ];
    world.recorded("deep.er.plug:Plug", &files);
    let catalog = world.catalog(&[], json!({}));
    let (module, _, entry_point, warnings) = launched(&world, &catalog, "right");
    assert_eq!((module.as_str(), entry_point), ("deep.er.plug", true));
    assert_eq!(
        warnings,
        [
            "entry point `point` of package odd 1.2: there is no manifest `/site/deep/er/manifest.toml`; `/site/deep/one.toml` of the same \
             package was taken"
        ]
    );
    world.recorded("deep.er.plug:Third", &files);
    assert_eq!(names(&world.catalog(&[], json!({}))), ["cli_out", "wrong"]);
    world
        .recorded("deep.er.third:Third", &files)
        .file("site/deep/er/third.py", "");
    let catalog = world.catalog(&[], json!({}));
    assert!(
        fault(&catalog).contains("there is no manifest"),
        "{}",
        fault(&catalog)
    );
}

#[test]
fn manifest_below_an_editable_module_is_found_without_a_record() {
    let world = World::new();
    world
        .package("opsbox-idle", "idle.mod:Idle", "idle")
        .file("source/idle/mod.py", "class Idle: pass")
        .file("source/idle/conf/opsbox.toml", &info("idle", "mod", "Idle"));
    std::fs::remove_dir_all(world.path("site/idle")).unwrap();
    let catalog = world.catalog(&[], json!({"idle": world.path("source/idle")}));
    assert_eq!(catalog.find("idle").unwrap().home, world.path("source/idle/conf"));
}

#[test]
fn two_packages_may_give_their_entry_points_one_name() {
    let world = World::new();
    world
        .package("opsbox-a", "a.a:A", "point")
        .package("opsbox-b", "b.b:B", "point");
    for (folder, name) in [("a", "first"), ("b", "second")] {
        let class = folder.to_uppercase();
        world.file(
            &format!("site/{folder}/manifest.toml"),
            &info(name, folder, &class),
        );
    }
    assert_eq!(
        names(&world.catalog(&[], json!({}))),
        ["cli_out", "first", "second"]
    );
}

#[test]
fn import_of_core_is_said() {
    for (source, said) in [
        (
            "from core.plugins import Result",
            Some("`core.plugins`, which is not installed; it was given the names of `opsbox.plugins`"),
        ),
        (
            "if x:\n    import core",
            Some("`core`, which is not installed; it was given the names of `opsbox`"),
        ),
        ("import corelib\n# from core import x", None),
    ] {
        let world = World::new();
        let (source, manifest) = (format!("{source}\nclass A: pass"), info("a", "a", "A"));
        world.recorded("a.a:A", &[("a/a.py", &source), ("a/manifest.toml", &manifest)]);
        let (.., warnings) = launched(&world, &world.catalog(&[], json!({})), "a");
        assert_eq!(warnings.len(), said.iter().len(), "{source}: {warnings:?}");
        if let Some(said) = said {
            assert!(warnings[0].ends_with(said), "{warnings:?}");
        }
    }
}
