//! What a manifest says about the plugin's process: `[run]`, or module and class for the Python bridge.

use std::path::Path;

use super::parse::{Source, home};
use super::read::{Report, Table};
use super::{Kind, Launch};

/// The protocol version that this host speaks.
const PROTOCOL: u32 = 1;

/// What variables a plugin sees that cannot declare any: the published ones talk to AWS.
const LEGACY_ENV: &str = "AWS_*";

pub(super) fn launch(
    report: &mut Report<'_>,
    info: &Table<'_>,
    run: Option<&Table<'_>>,
    source: Source<'_>,
    kind: Option<&Kind>,
) -> Option<Launch> {
    if let Some(run) = run {
        run.only(report, &["command", "protocol", "env", "sha256"], true);
        for unused in ["module", "class_name"] {
            let _of_the_right_type = info.string(report, unused);
        }
        if !run.has("command") {
            let hint = "add `command = [\"bin/plugin\"]` to `[run]`".to_owned();
            report
                .fault(run.start, "`[run]` has no `command`")
                .hints
                .push(hint);
            return None;
        }
        let argv = run.strings(report, "command")?;
        if argv.first().is_none_or(|program| program.trim().is_empty()) {
            report.fault(run.offset("command"), "`command` in `[run]` names no program");
            return None;
        }
        return Some(Launch::Command { argv });
    }
    let rego = kind == Some(&Kind::Rego);
    if let Source::Bundled { .. } = source {
        return Some(if rego { Launch::Nothing } else { Launch::Bundled });
    }
    if !info.has("module") && !info.has("class_name") {
        if rego {
            return Some(Launch::Nothing);
        }
        let name = info.string(report, "name").unwrap_or_else(|| "plugin".to_owned());
        let fault = report.fault(
            info.start,
            "neither `[run]` nor `module` and `class_name` say what to start",
        );
        fault
            .hints
            .push(format!("add a table `[run]` with `command = [\"bin/{name}\"]`"));
        fault.hints.push(format!(
            "or, for a Python class, `module = \"{name}\"` and `class_name = \"…\"`"
        ));
        return None;
    }
    let module = info.required(report, "module", "my_module");
    let class_name = info.required(report, "class_name", "MyPlugin");
    match source {
        Source::EntryPoint(_, facts) => {
            // The entry point is what the original imported; the manifest's `module` is only its last part.
            let (module, class_name) = facts.value.split_once(':')?;
            let class_name = class_name.split('[').next().unwrap_or(class_name);
            Some(Launch::Python {
                module: module.trim().to_owned(),
                class_name: class_name.trim().to_owned(),
                entry_point: true,
            })
        }
        _ => {
            let (module, class_name) = (module?, class_name?);
            check_code(report, info, &home(source), &module);
            Some(Launch::Python {
                module,
                class_name,
                entry_point: false,
            })
        }
    }
}

fn check_code(report: &mut Report<'_>, info: &Table<'_>, home: &Path, module: &str) {
    let at = info.offset("module");
    let last = module.rsplit('.').next().unwrap_or(module);
    if last.is_empty() || last.contains(['/', '\\', '\0']) {
        report.fault(
            at,
            format!("`module` is `{module}`, which is no name of a Python module"),
        );
        return;
    }
    let file = home.join(format!("{last}.py"));
    if !file.is_file() {
        report
            .fault(
                at,
                format!(
                    "code file `{}` of `module = \"{module}\"` does not exist",
                    file.display()
                ),
            )
            .hints
            .push(format!(
                "put `{last}.py` beside the manifest, or correct `module`"
            ));
    }
}

pub(super) fn protocol(report: &mut Report<'_>, run: Option<&Table<'_>>) -> (u32, u32) {
    let example = "protocol = [1, 1]";
    let Some(run) = run else {
        return (PROTOCOL, PROTOCOL);
    };
    let Some(numbers) = run.integers(report, "protocol", example) else {
        return (PROTOCOL, PROTOCOL);
    };
    let range = match numbers[..] {
        [least, greatest] if least <= greatest => (least, greatest),
        _ => {
            let message = "`protocol` in `[run]` must be the least and the greatest version";
            report
                .fault(run.offset("protocol"), message)
                .hints
                .push(format!("write `{example}`"));
            return (PROTOCOL, PROTOCOL);
        }
    };
    if !(range.0..=range.1).contains(&PROTOCOL) {
        let message = format!(
            "speaks plugin protocol {} to {}, this host speaks {PROTOCOL}",
            range.0, range.1
        );
        report.fault(run.offset("protocol"), message);
    }
    range
}

pub(super) fn environment(report: &mut Report<'_>, run: Option<&Table<'_>>, legacy: bool) -> Vec<String> {
    match run {
        Some(run) => {
            let patterns = run.strings(report, "env").unwrap_or_default();
            for pattern in &patterns {
                let plain = pattern.strip_suffix('*').unwrap_or(pattern);
                let fine =
                    plain.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !pattern.is_empty();
                if !fine {
                    let message = format!("`env` in `[run]` holds `{pattern}`, which is no variable's name");
                    let hint = "write names, or beginnings of names with a star: `env = [\"AWS_*\"]`";
                    report
                        .fault(run.offset("env"), message)
                        .hints
                        .push(hint.to_owned());
                }
            }
            patterns
        }
        None if legacy => vec![LEGACY_ENV.to_owned()],
        None => Vec::new(),
    }
}
