//! The grammar of 0.x and the pipeline string: every value is a word that somebody wrote, and nothing gets lost.

use std::ffi::OsString;
use std::path::PathBuf;

use opsbox::cli::args::{Parsed, parse};
use opsbox::cli::request::Request;
use opsbox::config::Raw;
use opsbox::environ::Environ;
use opsbox::pipeline::Pipeline;

/// Each line of the input is an argument; the first word begins with `--`.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let words: Vec<&str> = text.split('\n').collect();
    check_pipeline(words[0]);
    // Files and folders that a word names would be looked for.
    let reads = |word: &&str| word.replace("--", "").starts_with("config");
    if words.iter().any(|word| word.contains('\0')) || words.iter().any(reads) || !words[0].starts_with("--")
    {
        return;
    }
    let now = "2026-03-31T12:00:00+00:00[+00:00]".parse().expect("a moment");
    let environ = Environ::new([], PathBuf::from("/nowhere"), now);
    let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
    match parse(&argv, &environ) {
        Ok(Parsed::Request(request)) => {
            if let Request::Run(flags) = *request {
                assert!(
                    words.iter().any(|word| word.ends_with(&flags.pipeline)) && !flags.pipeline.is_empty()
                );
                for set in &flags.assignments {
                    assert!(!set.field.is_empty() && !set.field.contains("--"), "{set:?}");
                    check_value(&set.raw, &words);
                }
            }
        }
        Ok(Parsed::Text(text)) => assert!(!text.is_empty()),
        Err(failure) => assert!(!failure.faults.is_empty() && failure.kind.exit_code() == 2),
    }
}

fn check_value(raw: &Raw, words: &[&str]) {
    let written = |value: &String| words.iter().any(|word| word.ends_with(value.as_str()));
    match raw {
        Raw::Text(value) => assert!(written(value), "{value:?} was not written"),
        Raw::List(values) => assert!(values.len() > 1 && values.iter().all(written), "{values:?}"),
        Raw::Bare => {}
        Raw::Json(value) => panic!("{value} was guessed"),
    }
}

fn check_pipeline(text: &str) {
    let Ok(pipeline) = Pipeline::parse(text) else {
        return;
    };
    let names: Vec<&str> = pipeline.names().collect();
    assert!(
        names
            .iter()
            .all(|name| !name.is_empty() && !name.contains(['-', ','])),
        "{names:?}"
    );
    let parts: Vec<String> = std::iter::once(pipeline.first.join(","))
        .chain(pipeline.assistants.clone())
        .chain([pipeline.outputs.join(",")])
        .collect();
    assert_eq!(
        Pipeline::parse(&parts.join("-")).map(|again| again.first),
        Ok(pipeline.first)
    );
}
