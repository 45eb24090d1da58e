//! `opsbox config`: effective values and where they came from; never a secret's value.

use serde_json::{Value, json};

use super::request::Answer;
use super::table::{clean, faults_json, faults_text, leaves_room, path_json, table};
use crate::config::{FieldReport, Resolution, Settings, Wanted};
use crate::error::{Failure, Fault};
use crate::manifest::units;
use crate::store::{Limits, Store};
use crate::suggest::did_you_mean;

/// Shows the fields of a pipeline's plugins; the exit code is 2 where something is missing or wrong.
pub fn show(resolution: &Resolution, width: u16) -> Answer {
    let mut text = fields_table(resolution, width);
    if text.is_empty() {
        text.push_str("no plugin of this pipeline has fields\n");
    }
    for warning in &resolution.warnings {
        text.push_str(&format!("\nwarning: {}\n", clean(warning)));
    }
    if !resolution.faults.is_empty() {
        text.push_str(&format!(
            "\nmissing or wrong:\n{}",
            faults_text(&resolution.faults, "  ")
        ));
    }
    let json = json!({
        "fields": fields_json(resolution),
        "warnings": resolution.warnings,
        "faults": faults_json(&resolution.faults),
    });
    Answer {
        text,
        json,
        code: if resolution.faults.is_empty() { 0 } else { 2 },
    }
}

/// Adds how runs are kept.
pub fn with_runs(mut answer: Answer, store: &Store, limits: &Limits, width: u16) -> Answer {
    let Limits { keep, max_size, .. } = limits;
    if limits.keeps() {
        let row = |name: &str, value: String, origin: &str| vec![name.to_owned(), value, origin.to_owned()];
        let rows = vec![
            row("keep", units::words(keep.value), &keep.origin),
            row("max_size", super::runs::size(max_size.value), &max_size.origin),
            row("folder", "runs/".to_owned(), &store.root().display().to_string()),
        ];
        answer
            .text
            .push_str(&format!("\n{}", table(&["[runs]", "value", "from"], rows, width)));
    } else {
        let origin = if keep.value.is_zero() {
            &keep.origin
        } else {
            &max_size.origin
        };
        answer
            .text
            .push_str(&format!("\nruns are not kept: {}\n", clean(origin)));
    }
    answer.json["runs"] = json!({
        "folder": path_json(store.root()),
        "keep_seconds": keep.value.as_secs(),
        "keep_origin": keep.origin,
        "max_size_bytes": max_size.value,
        "max_size_origin": max_size.origin,
    });
    answer
}

/// Says for each plugin that declares the field which places were asked and which one counts.
///
/// # Errors
/// A usage failure where no plugin declares it.
pub fn explain(
    settings: &Settings,
    wanted: &[Wanted<'_>],
    field: &str,
    width: u16,
) -> Result<Answer, Failure> {
    let resolution = settings.survey(wanted);
    let reports: Vec<&FieldReport> = resolution
        .plugins
        .iter()
        .flat_map(|config| &config.fields)
        .collect();
    let chosen: Vec<_> = reports.iter().filter(|report| report.name == field).collect();
    if chosen.is_empty() {
        let mut fault = Fault::new(format!("no plugin declares the field `{field}`"));
        fault.hints.extend(did_you_mean(
            field,
            reports.iter().map(|report| report.name.as_str()),
        ));
        fault
            .hints
            .push("see the fields of a pipeline with `opsbox config show PIPELINE`".to_owned());
        return Err(Failure::usage(fault));
    }
    let mut text = String::new();
    let mut plugins = Vec::new();
    for (index, report) in chosen.iter().enumerate() {
        let asked = settings.explain(report);
        let rows = asked.iter().map(|asked| {
            let mark = if asked.wins { "*" } else { "" };
            vec![
                mark.to_owned(),
                asked.origin.clone(),
                asked.value.clone().unwrap_or_else(|| "-".to_owned()),
            ]
        });
        let required = if report.required { ", required" } else { "" };
        let gap = if index == 0 { "" } else { "\n" };
        text.push_str(&format!(
            "{gap}{field} of {} ({}{required})",
            report.plugin, report.kind
        ));
        text.push_str(
            &report
                .description
                .as_ref()
                .map_or(String::new(), |about| format!(": {}", clean(about))),
        );
        text.push_str(&format!(
            "\n{}",
            table(&["", "asked", "says"], rows.collect(), width)
        ));
        plugins.push(json!({
            "field": field_json(report),
            "asked": asked.iter().map(|asked| json!({"origin": asked.origin, "value": asked.value, "wins": asked.wins})).collect::<Vec<_>>(),
        }));
    }
    let of_field = |fault: &&Fault| fault.message.contains(&format!("`{field}`"));
    let faults: Vec<Fault> = resolution.faults.iter().filter(of_field).cloned().collect();
    text.push_str(&faults_text(&faults, ""));
    let code = if faults.is_empty() { 0 } else { 2 };
    Ok(Answer {
        text,
        json: json!({"plugins": plugins, "faults": faults_json(&faults)}),
        code,
    })
}

/// Prints the JSON Schema of a plugin's configuration.
pub fn schema(schema: &Value) -> Answer {
    let text = format!("{schema:#}\n");
    Answer {
        text,
        json: schema.clone(),
        code: 0,
    }
}

/// Lists the arguments that a pipeline takes: `--help` of the legacy grammar with `--modules`.
pub fn arguments(pipeline: &str, resolution: &Resolution, width: u16) -> Answer {
    let fields: Vec<&FieldReport> = resolution
        .plugins
        .iter()
        .flat_map(|config| &config.fields)
        .collect();
    let text = if fields.is_empty() {
        format!("the plugins of pipeline {} take no arguments\n", clean(pipeline))
    } else {
        format!(
            "arguments of pipeline {}:\n\n{}",
            clean(pipeline),
            arguments_table(&fields, width)
        )
    };
    Answer {
        text,
        json: json!({"pipeline": pipeline, "arguments": fields_json(resolution)}),
        code: 0,
    }
}

/// A column for each fact, or, where that leaves no room for the description, all that is said of an argument in one.
fn arguments_table(fields: &[&FieldReport], width: u16) -> String {
    let header = ["argument", "plugin", "type", "required", "default", "description"];
    let facts = |report: &FieldReport| {
        vec![
            format!("--{}", report.name),
            report.plugin.clone(),
            report.kind.clone(),
            if report.required { "yes" } else { "no" }.to_owned(),
            report.shown_default().unwrap_or_default(),
            report.description.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = fields.iter().map(|report| facts(report)).collect();
    if leaves_room(&header, &rows, width) {
        return table(&header, rows, width);
    }
    let in_words = |report: &&FieldReport| {
        let default = report.shown_default().map(|text| format!("default {text}"));
        let need = match report.required {
            true => "required".to_owned(),
            false => default.unwrap_or_else(|| "optional".to_owned()),
        };
        let about = report.description.as_ref().map(|text| format!(": {text}"));
        let text = format!("{}, {need}{}", report.kind, about.unwrap_or_default());
        vec![format!("--{}", report.name), report.plugin.clone(), text]
    };
    let header = ["argument", "plugin", "type, required or default, description"];
    table(&header, fields.iter().map(in_words).collect(), width)
}

/// Returns the table of all fields with value and origin; empty where there are none.
pub(super) fn fields_table(resolution: &Resolution, width: u16) -> String {
    let rows = resolution
        .plugins
        .iter()
        .flat_map(|config| &config.fields)
        .map(|report| {
            let (value, origin) = match (report.shown(), report.shown_default()) {
                (Some(value), _) => (value, report.origin.clone().unwrap_or_default()),
                (None, _) if report.required => ("(missing)".to_owned(), String::new()),
                (None, Some(default)) => (default, "default".to_owned()),
                (None, None) => ("-".to_owned(), "default".to_owned()),
            };
            vec![
                report.plugin.clone(),
                report.name.clone(),
                report.kind.clone(),
                value,
                origin,
            ]
        });
    table(
        &["plugin", "field", "type", "value", "from"],
        rows.collect(),
        width,
    )
}

/// Returns all fields for programs.
pub(super) fn fields_json(resolution: &Resolution) -> Value {
    resolution
        .plugins
        .iter()
        .flat_map(|config| &config.fields)
        .map(field_json)
        .collect()
}

fn field_json(report: &FieldReport) -> Value {
    let hidden = |value: &Option<Value>| match value {
        Some(_) if report.secret => json!(crate::config::SECRET),
        Some(Value::String(text)) => json!(crate::redact::userinfo(text)),
        other => json!(other),
    };
    json!({
        "plugin": report.plugin,
        "field": report.name,
        "type": report.kind,
        "description": report.description,
        "required": report.required,
        "default": hidden(&report.default),
        "value": report.reference.as_ref().map_or_else(|| hidden(&report.value), |reference| json!(reference)),
        "origin": report.origin,
        "secret": report.secret,
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::config::{Assignment, Given};
    use crate::environ::tests::environ;

    fn settings(flags: &[&str]) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let environ = environ(folder.path(), &[("REGION", "eu-west-1")]);
        let assignments: Vec<Assignment> = flags
            .iter()
            .map(|text| Assignment::parse(text).unwrap())
            .collect();
        Settings::load(
            &environ,
            &Given {
                assignments: &assignments,
                ..Given::default()
            },
        )
        .unwrap()
    }

    fn sample() -> Value {
        json!({
            "properties": {
                "region": {"type": "string", "description": "where to look"},
                "token": {"type": "string", "writeOnly": true},
                "max": {"type": "integer", "default": 5},
                "zone": {"type": "string"},
            },
            "required": ["region", "zone"],
        })
    }

    #[test]
    fn show_lists_values_with_their_origin() {
        let schema = sample();
        let wanted = [Wanted {
            plugin: "ec2",
            schema: &schema,
            legacy: false,
        }];
        let answer = show(&settings(&["token=geheim"]).resolve(&wanted), 80);
        assert_eq!(answer.code, 2);
        assert!(!answer.json.to_string().contains("geheim"));
        expect![[r#"
            PLUGIN  FIELD   TYPE     VALUE      FROM
            ec2     region  string   eu-west-1  REGION
            ec2     token   string   <secret>   --set token
            ec2     max     integer  5          default
            ec2     zone    string   (missing)

            warning: the secret `token` is given as a flag, where everybody who lists processes can read it: set the variable `OPSBOX_SET_TOKEN`, or write `env:NAME` or `file:PATH` for it in a file for `--config`

            missing or wrong:
              plugin `ec2` needs `zone` (string)
                hint: set it with `--set zone=…`, the variable `OPSBOX_SET_ZONE`, or `zone = …` under `[plugins.ec2]` in opsbox.toml
        "#]].assert_eq(&answer.text);
    }

    #[test]
    fn explain_marks_the_place_that_counts() {
        let schema = sample();
        let wanted = [Wanted {
            plugin: "ec2",
            schema: &schema,
            legacy: false,
        }];
        let answer = explain(&settings(&[]), &wanted, "region", 80).unwrap();
        assert_eq!(answer.code, 0);
        expect![[r#"
            region of ec2 (string, required): where to look
               ASKED                 SAYS
               --set region          -
               OPSBOX_SET_REGION     -
            *  REGION                eu-west-1
               the plugin's default  -
        "#]]
        .assert_eq(&answer.text);
        let failure = explain(&settings(&[]), &wanted, "regoin", 80).unwrap_err();
        assert!(failure.to_string().contains("did you mean `region`?"));
    }

    #[test]
    fn arguments_are_listed_as_the_original_did() {
        let schema = sample();
        let wanted = [Wanted {
            plugin: "ec2",
            schema: &schema,
            legacy: true,
        }];
        let answer = arguments("ec2-cli_out", &settings(&[]).resolve(&wanted), 80);
        expect![[r#"
            arguments of pipeline ec2-cli_out:

            ARGUMENT  PLUGIN  TYPE     REQUIRED  DEFAULT  DESCRIPTION
            --region  ec2     string   yes                where to look
            --token   ec2     string   no
            --max     ec2     integer  no        5
            --zone    ec2     string   yes
        "#]]
        .assert_eq(&answer.text);
        let answer = arguments("ec2-cli_out", &settings(&[]).resolve(&wanted), 60);
        expect![[r#"
            arguments of pipeline ec2-cli_out:

            ARGUMENT  PLUGIN  TYPE, REQUIRED OR DEFAULT, DESCRIPTION
            --region  ec2     string, required: where to look
            --token   ec2     string, optional
            --max     ec2     integer, default 5
            --zone    ec2     string, required
        "#]]
        .assert_eq(&answer.text);
    }
}
