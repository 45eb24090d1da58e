//! The list of what ships, with the manifests as they lie beside the code.

use std::process::ExitCode;

use serde_json::Value;

/// One plugin that ships inside the binary.
#[derive(Debug, Clone, Copy)]
pub struct Bundled {
    /// Its name, the one in its manifest.
    pub name: &'static str,
    /// Its manifest, TOML.
    pub manifest: &'static str,
    /// The policy of a Rego check; `None` for a plugin with code.
    pub rego: Option<&'static str>,
    /// Serves the plugin over stdin and stdout; `None` for a Rego check.
    pub serve: Option<fn() -> ExitCode>,
    /// Returns the JSON Schema of its configuration; `None` for a Rego check, whose manifest declares it.
    pub schema: Option<fn() -> Value>,
}

macro_rules! native {
    ($name:ident) => {
        Bundled {
            name: stringify!($name),
            manifest: include_str!(concat!("../", stringify!($name), "/manifest.toml")),
            rego: None,
            serve: Some(crate::$name::serve),
            schema: Some(|| crate::$name::service().config_schema()),
        }
    };
}

macro_rules! check {
    ($name:ident) => {
        Bundled {
            name: stringify!($name),
            manifest: include_str!(concat!("../checks/", stringify!($name), "/manifest.toml")),
            rego: Some(include_str!(concat!(
                "../checks/",
                stringify!($name),
                "/",
                stringify!($name),
                ".rego"
            ))),
            serve: None,
            schema: None,
        }
    };
}

/// Every plugin that ships: providers, checks, assistants, outputs.
pub const BUNDLED: &[Bundled] = &[
    native!(host),
    native!(files),
    check!(disk_space),
    check!(inodes),
    check!(memory_pressure),
    check!(exposed_ports),
    check!(zombie_processes),
    check!(passwordless_users),
    check!(ssh_hardening),
    check!(reboot_pending),
    native!(sort_severity),
    native!(limit),
    native!(cli_out),
    native!(json_out),
    native!(text_out),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manifest_names_its_plugin_and_what_it_does() {
        for plugin in BUNDLED {
            let manifest: toml::Table = toml::from_str(plugin.manifest).expect(plugin.name);
            let info = manifest["info"].as_table().expect(plugin.name);
            assert_eq!(info["name"].as_str(), Some(plugin.name));
            assert!(
                info["type"].is_str() && info["uses"].is_array(),
                "{}",
                plugin.name
            );
            assert!(
                info["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{}",
                plugin.name
            );
            assert_eq!(
                plugin.rego.is_some(),
                info["type"].as_str() == Some("rego"),
                "{}",
                plugin.name
            );
            assert_eq!(
                plugin.rego.is_some(),
                plugin.serve.is_none() && plugin.schema.is_none(),
                "{}",
                plugin.name
            );
        }
    }

    #[test]
    fn every_check_folder_ships() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/checks");
        let entries = std::fs::read_dir(folder).expect("the checks").flatten();
        let mut folders: Vec<_> = entries
            .filter(|entry| entry.path().join("manifest.toml").exists())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        folders.sort();
        let mut shipped: Vec<_> = BUNDLED
            .iter()
            .filter(|plugin| plugin.rego.is_some())
            .map(|plugin| plugin.name)
            .collect();
        shipped.sort_unstable();
        assert_eq!(folders, shipped);
    }

    #[test]
    fn every_schema_is_an_object_whose_fields_are_described() {
        for plugin in BUNDLED {
            let Some(schema) = plugin.schema else { continue };
            let schema = schema();
            assert_eq!(schema["type"], "object", "{}", plugin.name);
            for (field, property) in schema["properties"].as_object().into_iter().flatten() {
                assert!(property["description"].is_string(), "{}: {field}", plugin.name);
            }
        }
    }
}
