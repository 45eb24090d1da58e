//! `[run] sha256`: which files of the command must be what they were when the manifest was written.

use std::path::Path;

use toml::de::DeValue;

use super::read::{Report, Table, describe};
use super::{Launch, Pin};

/// Reads one hash, for the only file of the folder that the command names, or a table of words of the command and their hashes.
///
/// An interpreter from `PATH` is no such file: in `["python3", "./x.py"]` the script is what is meant.
pub(super) fn pins(
    report: &mut Report<'_>,
    run: Option<&Table<'_>>,
    launch: Option<&Launch>,
    home: &Path,
) -> Vec<Pin> {
    let (Some(run), Some(Launch::Command { argv })) = (run, launch) else {
        return Vec::new();
    };
    let at = run.offset("sha256");
    match run.value("sha256") {
        None => Vec::new(),
        Some(DeValue::String(text)) => {
            let word = the_file(report, at, argv, home);
            let sha256 = hash(report, at, text);
            match (word, sha256) {
                (Some(word), Some(sha256)) => vec![Pin { word, sha256 }],
                _ => Vec::new(),
            }
        }
        Some(DeValue::Table(_)) => {
            let table = run.table(report, "sha256");
            table.map_or_else(Vec::new, |table| of_words(report, &table, argv))
        }
        Some(other) => {
            let found = describe(other);
            let message = format!("`sha256` in `[run]` must be a hash or a table of them, found {found}");
            report.fault(at, message).hints.push(example(argv));
            Vec::new()
        }
    }
}

fn of_words(report: &mut Report<'_>, table: &Table<'_>, argv: &[String]) -> Vec<Pin> {
    let mut pins = Vec::new();
    for (word, value, at) in table.entries() {
        let is_file = argv.first().is_some_and(|first| first == word)
            || (word.starts_with("./") && argv.iter().any(|known| known == word));
        if !is_file {
            let message = format!("`sha256` in `[run]` names `{word}`, which is no file of its `command`");
            let hint = "name the first word of `command`, or a later one that begins with `./`";
            report.fault(at, message).hints.push(hint.to_owned());
            continue;
        }
        let DeValue::String(text) = value else {
            let found = describe(value);
            report.fault(
                at,
                format!("the hash of `{word}` in `[run] sha256` must be a text, found {found}"),
            );
            continue;
        };
        let sha256 = hash(report, at, text);
        pins.extend(sha256.map(|sha256| Pin {
            word: word.to_owned(),
            sha256,
        }));
    }
    pins
}

/// Returns the word that names a file of the folder, where there is one alone.
fn the_file(report: &mut Report<'_>, at: usize, argv: &[String], home: &Path) -> Option<String> {
    let first = argv.iter().take(1).filter(|word| home.join(word).is_file());
    let later = argv.iter().skip(1).filter(|word| word.starts_with("./"));
    let files: Vec<&String> = first.chain(later).collect();
    let what = match files[..] {
        [only] => return Some(only.clone()),
        [] => "no file of the manifest's folder".to_owned(),
        _ => format!("{} files of the manifest's folder", files.len()),
    };
    let message = format!("`sha256` in `[run]` is one hash, and `command` names {what}");
    report.fault(at, message).hints.push(example(argv));
    None
}

fn example(argv: &[String]) -> String {
    let word = argv.iter().find(|word| word.starts_with("./")).or(argv.first());
    let word = word.map_or("bin/plugin", String::as_str);
    format!("say which file is meant: `sha256 = {{ {word:?} = \"…\" }}`")
}

fn hash(report: &mut Report<'_>, at: usize, text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(text);
    }
    let message = "`sha256` in `[run]` holds a text that is no SHA-256: it has 64 hexadecimal digits";
    report
        .fault(at, message)
        .hints
        .push("`sha256sum FILE` says it".to_owned());
    None
}
