//! The `[rego]` table: where the policy is, and how it is evaluated.

use std::path::{Component, Path};

use super::parse::{Source, home};
use super::read::{Report, Table};
use super::{Kind, Policy, RegoCheck};

pub(super) fn rego(
    report: &mut Report<'_>,
    root: &Table<'_>,
    source: Source<'_>,
    kind: Option<&Kind>,
    modern: bool,
) -> Option<RegoCheck> {
    let is_rego = kind == Some(&Kind::Rego);
    let Some(table) = root.table(report, "rego") else {
        if is_rego && !root.has("rego") {
            let hint = "add a table `[rego]` with `rego_file = \"check.rego\"`".to_owned();
            report
                .fault(
                    root.offset("info"),
                    "a plugin of type `rego` needs a `[rego]` table",
                )
                .hints
                .push(hint);
        }
        return None;
    };
    let known = [
        "rego_file",
        "description",
        "version",
        "rule",
        "strict",
        "gather_from",
    ];
    table.only(report, &known, modern);
    if !is_rego {
        report.warn(table.start, "`[rego]` counts only for plugins of type `rego`");
        if !modern {
            return None;
        }
    }
    let lenient = root
        .table(report, "info")
        .is_some_and(|info| info.has("class_name"))
        && !root.has("run");
    let description = table.string(report, "description");
    let strict = table.boolean(report, "strict").unwrap_or(!lenient);
    let rule = table
        .string(report, "rule")
        .unwrap_or_else(|| "details".to_owned());
    let version = match table.count(report, "version") {
        None if lenient => None,
        None => Some(1),
        Some(0) => Some(0),
        Some(1) => Some(1),
        Some(_) => {
            let hint = "write `version = 0` for old policies, or leave it out".to_owned();
            report
                .fault(table.offset("version"), "`version` in `[rego]` must be 0 or 1")
                .hints
                .push(hint);
            Some(1)
        }
    };
    let file = if is_rego || table.has("rego_file") {
        table.required(report, "rego_file", "check.rego")
    } else {
        None
    };
    let file = file.filter(|file| stays_inside(report, &table, file))?;
    if !is_rego {
        return None;
    }
    let policy = policy(report, &table, source, &file)?;
    Some(RegoCheck {
        file,
        policy,
        version,
        rule,
        strict,
        description,
    })
}

fn stays_inside(report: &mut Report<'_>, table: &Table<'_>, file: &str) -> bool {
    let leaves = Path::new(file)
        .components()
        .any(|part| !matches!(part, Component::Normal(_) | Component::CurDir));
    if leaves {
        report
            .fault(
                table.offset("rego_file"),
                format!("`rego_file` is `{file}`, which leaves the manifest's folder"),
            )
            .hints
            .push("put the policy beside the manifest or below it".to_owned());
    }
    !leaves
}

fn policy(report: &mut Report<'_>, table: &Table<'_>, source: Source<'_>, file: &str) -> Option<Policy> {
    let at = table.offset("rego_file");
    if let Source::Bundled { rego, .. } = source {
        if rego.is_none() {
            report.fault(at, format!("policy `{file}` is not part of this binary"));
        }
        return rego.map(Policy::Embedded);
    }
    let path = home(source).join(file);
    if !path.is_file() {
        report
            .fault(at, format!("policy `{}` does not exist", path.display()))
            .hints
            .push("put the policy there, or correct `rego_file` in `[rego]`".to_owned());
        return None;
    }
    Some(Policy::File(path))
}
