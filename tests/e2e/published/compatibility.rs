//! What is claimed about each published plugin, and the table of it that the repository holds, `sdk-python/COMPATIBILITY.md`.
//!
//! A claim names the test that holds it, and the compiler sees to it that there is such a test: a claim that is not true fails. What else
//! is in the table (packages, versions, what was repaired, fields) is looked up in the environment when the table is compared.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{World, assistant, files, handlers, mail, tickets};
use crate::support::{packages_for_github, repository};

/// What is claimed about one plugin.
pub(super) struct Claim {
    pub(super) plugin: &'static str,
    /// What the test runs it against.
    pub(super) against: &'static str,
    /// `same`, or what differs from the original and why.
    pub(super) outcome: &'static str,
    /// The path of the test.
    pub(super) test: &'static str,
    /// The test itself: a claim without one does not compile.
    pub(super) proof: fn(),
}

macro_rules! claim {
    ($plugin:literal, $against:literal, $outcome:literal, $test:ident) => {
        $crate::published::compatibility::Claim {
            plugin: $plugin,
            against: $against,
            outcome: $outcome,
            test: concat!(module_path!(), "::", stringify!($test)),
            proof: $test,
        }
    };
}
pub(super) use claim;

/// What the environment says of one published plugin.
struct Found {
    kind: String,
    /// Distribution and version.
    package: String,
    /// How it was found.
    how: &'static str,
    fields: usize,
}

const HEAD: &str = "\
# The published plugins of the Python Opsbox

All packages that were published for `opsbox` 0.2.5, unchanged, and how this host runs them. The tests make this page and compare it with what they
see: `OPSBOX_BLESS=1 cargo test -p opsbox --test e2e published::compatibility` writes it anew. The versions are those of
[requirements-packages.txt](requirements-packages.txt); each line's test is in `tests/e2e`.

";

const FOOT: &str = "
\"Found\" says what had to be assumed; each is a warning of `opsbox plan`, `run` and `plugins doctor`. \"Fields\" is how many fields of configuration the
plugin declares. Where a name is built in here, the built-in plugin is used; the published class is tested under another name.
";

/// What `github_out` declares, for machines without the Python that it needs.
const GITHUB_FIELDS: usize = 5;

/// How a warning shows in the table.
const REPAIRS: [(&str, &str); 3] = [
    ("was taken for it", "yes: another module hides its own"),
    ("differs in case only", "yes: its class is spelt otherwise"),
    ("it imports `core", "yes: it imports `core`"),
];

fn claims() -> Vec<&'static Claim> {
    let all = [
        assistant::CLAIMS,
        files::CLAIMS,
        handlers::CLAIMS,
        mail::CLAIMS,
        tickets::CLAIMS,
    ];
    all.into_iter().flatten().collect()
}

/// Looks every published plugin up: in the list, and in the plan of a pipeline that holds them all.
fn found(world: &World) -> BTreeMap<String, Found> {
    let list = world
        .sandbox
        .opsbox_on(&world.python, &["plugins", "list", "--json"])
        .exits(0)
        .json();
    assert_eq!(list["unusable"], json!([]), "{list:#}");
    let doctor = world
        .sandbox
        .opsbox_on(&world.python, &["plugins", "doctor", "--json"])
        .json();
    let used = list["plugins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|plugin| (plugin, false));
    let replaced = list["replaced"]
        .as_array()
        .unwrap()
        .iter()
        .map(|plugin| (plugin, true));
    let mut found = BTreeMap::new();
    for (plugin, replaced) in used.chain(replaced) {
        let origin = &plugin["origin"];
        let Some(distribution) = origin["distribution"].as_str() else {
            continue;
        };
        let about = format!("of package {distribution} ");
        let warnings = doctor["plugin_warnings"].as_array().unwrap().iter();
        let warning = warnings
            .filter_map(Value::as_str)
            .find(|warning| warning.contains(&about));
        let repair = |warning: &str| {
            let mut known = REPAIRS.iter().filter(|(part, _)| warning.contains(part));
            known
                .next()
                .unwrap_or_else(|| panic!("a repair of no known kind: {warning}"))
                .1
        };
        let how = match warning {
            _ if replaced => "yes; the built-in one is used",
            Some(warning) => repair(warning),
            None => "yes",
        };
        let version = origin["version"].as_str().unwrap();
        let entry = Found {
            kind: plugin["type"].as_str().unwrap().to_owned(),
            package: format!("{distribution} {version}"),
            how,
            fields: 0,
        };
        found.insert(plugin["name"].as_str().unwrap().to_owned(), entry);
    }
    found
}

/// Returns how many fields each plugin of a pipeline declares.
fn fields(world: &World, pipeline: &str) -> HashMap<String, usize> {
    let args = ["plan", pipeline, "--json"];
    let plan = world.sandbox.opsbox_on(&world.python, &args).json();
    let mut fields = HashMap::new();
    for row in plan["config"].as_array().unwrap() {
        // The keys for language models are this host's addition.
        if row["field"] != "oai_key" && row["field"] != "claude_key" {
            *fields
                .entry(row["plugin"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
    fields
}

/// Returns the pipeline of all plugins that were found and can stand in one.
fn pipeline(found: &BTreeMap<String, Found>, but: &str) -> String {
    let stage = |kinds: &[&str]| {
        let names = found
            .iter()
            .filter(|(name, entry)| kinds.contains(&entry.kind.as_str()) && *name != but);
        names.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(",")
    };
    format!(
        "{}-{}-{}",
        stage(&["rego"]),
        stage(&["assistant"]),
        stage(&["output"])
    )
}

fn table(found: &BTreeMap<String, Found>, claims: &[&Claim]) -> String {
    let packages: std::collections::BTreeSet<_> = found.values().map(|entry| &entry.package).collect();
    let claim = |name: &str| claims.iter().find(|claim| claim.plugin == name);
    let n_run = found.keys().filter(|name| claim(name).is_some()).count();
    let mut text = format!(
        "{HEAD}{} plugins of {} packages: {} found, {n_run} run.\n\n\
         | Package | Plugin | Type | Found | Fields | Run against | Compared with the original | Test |\n|---|---|---|---|---|---|---|---|\n",
        found.len(),
        packages.len(),
        found.len()
    );
    let mut rows: Vec<_> = found.iter().collect();
    rows.sort_by_key(|(name, entry)| (&entry.package, *name));
    for (name, entry) in rows {
        let Found {
            kind,
            package,
            how,
            fields,
        } = entry;
        let (against, outcome, test) = match claim(name) {
            Some(claim) => (
                claim.against,
                claim.outcome,
                format!("`{}`", claim.test.trim_start_matches("e2e::")),
            ),
            None => ("not run", "", String::new()),
        };
        writeln!(
            text,
            "| {package} | `{name}` | {kind} | {how} | {fields} | {against} | {outcome} | {test} |"
        )
        .unwrap();
    }
    text + FOOT
}

#[test]
fn the_table_of_the_repository_says_what_the_tests_see() {
    let Some(world) = World::new() else { return };
    let claims = claims();
    let mut found = found(&world);
    for claim in &claims {
        assert!(found.contains_key(claim.plugin), "{} is published", claim.plugin);
        assert_ne!(claim.proof as usize, 0);
        let same = claims.iter().filter(|other| other.plugin == claim.plugin);
        assert_eq!(same.count(), 1, "one claim about {}", claim.plugin);
    }
    // What is built in here declares other fields, so the published classes are asked under the same names elsewhere.
    let mut declared = fields(&world, &pipeline(&found, "github_out"));
    for (name, module, class) in files::PUBLISHED {
        world.under_another_name("published", module, class, files::OUTPUT);
        declared.insert(
            name.to_owned(),
            fields(&world, "two-published").remove("published").unwrap_or(0),
        );
    }
    let newer = packages_for_github().map(World::on);
    let github = newer.and_then(|world| fields(&world, "two-github_out").remove("github_out"));
    declared.insert("github_out".to_owned(), github.unwrap_or(GITHUB_FIELDS));
    for (name, entry) in &mut found {
        entry.fields = declared.get(name).copied().unwrap_or(0);
    }
    let made = table(&found, &claims);
    let path = repository().join("sdk-python/COMPATIBILITY.md");
    if std::env::var_os("OPSBOX_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "sdk-python/COMPATIBILITY.md is not what the tests see; run the test once with OPSBOX_BLESS=1 and commit it\n{made}"
    );
}
