//! All plugins of all packages are found, and none has to be started for that.

use crate::support::{Sandbox, packages};

#[test]
fn the_checks_and_providers_of_all_packages_are_listed() {
    let Some(python) = packages() else { return };
    let sandbox = Sandbox::new();
    let args = ["plugins", "list", "--json", "--python", python.to_str().unwrap()];
    let seen = sandbox.opsbox(&args).exits(0).json();
    let published = |kind: &str| {
        let plugins = seen["plugins"].as_array().unwrap().iter();
        plugins
            .filter(|plugin| plugin["origin"]["kind"] == "entry_point" && plugin["type"] == kind)
            .count()
    };
    assert_eq!((published("rego"), published("provider")), (21, 7), "{seen:#}");
}
