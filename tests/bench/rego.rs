//! Rego over 22 MB of JSON, one rule and six, through the provider `files`.

use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::checks::processes;
use crate::report::{self, Series};
use crate::tree::{self, Measure, Watched};
use crate::volumes::{self, Volume};
use crate::{Options, Outcome};

const MIB: f64 = 1024.0 * 1024.0;

/// A check: its name, its condition in Rego, and the same in Rust, to compare the counts.
struct Rule {
    name: &'static str,
    condition: &'static str,
    finds: fn(&Volume) -> bool,
}

const RULES: [Rule; 6] = [
    Rule {
        name: "volume_unattached",
        condition: r#"v.State == "available""#,
        finds: |v| v.state == "available",
    },
    Rule {
        name: "volume_unencrypted",
        condition: "v.Encrypted == false",
        finds: |v| !v.encrypted,
    },
    Rule {
        name: "volume_old_type",
        condition: r#"v.VolumeType == "gp2""#,
        finds: |v| v.kind == "gp2",
    },
    Rule {
        name: "volume_large",
        condition: "v.Size > data.config.volume_max_size",
        finds: |v| v.size > 10_000,
    },
    Rule {
        name: "volume_untagged",
        condition: "not v.Tags.Env",
        finds: |v| v.environment.is_none(),
    },
    Rule {
        name: "volume_old",
        condition: r#"time.parse_rfc3339_ns(v.CreateTime) < time.parse_rfc3339_ns("2017-01-01T00:00:00Z")"#,
        finds: |v| v.created_year < 2017,
    },
];

pub(crate) fn measure(options: &Options) -> Outcome {
    let folder = options.folder()?;
    let text = volumes::list(options.volumes);
    let n_bytes = text.len();
    std::fs::write(folder.path.join("volumes.json"), text)?;
    let config =
        serde_json::json!({"paths": ["volumes.json"], "output_folder": folder.path.join("findings")});
    std::fs::write(folder.path.join("config.json"), config.to_string())?;
    plugins(&folder.path)?;
    report::line(&format!(
        "{} volumes, {:.1} MB of JSON",
        options.volumes,
        n_bytes as f64 / 1e6
    ))?;
    for (n_rules, goal) in [(1, "goals 1.5 s, 180 MiB"), (RULES.len(), "goals 3 s, 220 MiB")] {
        one(options, &folder.path, &RULES[..n_rules], goal)?;
    }
    Ok(())
}

fn one(options: &Options, folder: &Path, rules: &[Rule], goal: &str) -> Outcome {
    let names: Vec<&str> = rules.iter().map(|rule| rule.name).collect();
    let pipeline = format!("{}-json_out", names.join(","));
    let run = |measure| {
        let watched = Watched::run(
            tree::command(&options.opsbox, folder).args([
                "run",
                &pipeline,
                "--plugin-dir",
                "plugins",
                "--config",
                "config.json",
            ]),
            measure,
        )?;
        match watched.code {
            Some(0) => Ok(watched),
            code => Err(Box::<dyn std::error::Error + Send + Sync>::from(format!(
                "ended with {code:?}:\n{}",
                watched.stderr
            ))),
        }
    };
    let (mut cpu, mut wall, mut rss, mut pss, mut peaks) = (
        Series::default(),
        Series::default(),
        Series::default(),
        Series::default(),
        Series::default(),
    );
    let mut last = None;
    for _ in 0..options.rounds {
        let watched = run(None)?;
        cpu.push(watched.cpu.as_secs_f64());
        wall.push(watched.wall.as_secs_f64());
        pss.push(run(Some(Measure::Pss))?.peak as f64 / MIB);
        let watched = run(Some(Measure::Rss))?;
        rss.push(watched.peak as f64 / MIB);
        peaks.push(watched.sum_of_peaks as f64 / MIB);
        last = Some(watched);
    }
    compare(options, folder, rules)?;
    report::heading(&format!("{} rule(s) ({goal})", rules.len()), options.rounds)?;
    report::row("processor time of the whole tree", "s", &cpu)?;
    report::row("wall", "s", &wall)?;
    report::row("most PSS at one moment, summed", "MiB", &pss)?;
    report::row("most RSS at one moment, summed", "MiB", &rss)?;
    report::row("sum of every process's own RSS peak", "MiB", &peaks)?;
    last.as_ref().map_or(Ok(()), processes)
}

#[derive(Deserialize)]
struct Document {
    details: Vec<IgnoredAny>,
}

/// A figure counts only where the findings are right.
fn compare(options: &Options, folder: &Path, rules: &[Rule]) -> Outcome {
    for rule in rules {
        let path = folder
            .join("findings")
            .join("files")
            .join(format!("{}.json", rule.name));
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let found = serde_json::from_str::<Document>(&text)?.details.len();
        let expected = (0..options.volumes)
            .filter(|index| (rule.finds)(&Volume::of(*index)))
            .count();
        if found != expected {
            return Err(format!("{} found {found} volumes, there are {expected}", rule.name).into());
        }
    }
    Ok(())
}

fn plugins(folder: &Path) -> Outcome {
    for Rule { name, condition, .. } in &RULES {
        let home = folder.join("plugins").join(name);
        std::fs::create_dir_all(&home)?;
        std::fs::write(
            home.join("manifest.toml"),
            format!(
                "[info]\nname = \"{name}\"\ntype = \"rego\"\nuses = [\"files\", \"rego\"]\ndescription = \"Finds volumes\"\n\n\
                 [rego]\nrego_file = \"check.rego\"\n\n[check]\nseverity = \"medium\"\nremediation = \"Look at the volume.\"\n\n\
                 [config.volume_max_size]\ntype = \"integer\"\ndefault = 10000\ndescription = \"largest size in GiB\"\n"
            ),
        )?;
        std::fs::write(
            home.join("check.rego"),
            format!(
                "package {name}\n\ndetails := [finding |\n\tsome file in input.files\n\tsome v in file.data\n\t{condition}\n\
                 \tfinding := {{\"resource\": v.VolumeId, \"message\": sprintf(\"%s of %v GiB in %s\", [v.VolumeType, v.Size, v.AvailabilityZone])}}\n]\n"
            ),
        )?;
    }
    Ok(())
}
