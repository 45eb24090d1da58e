//! Limits, deadlines and variables: the figures that PROTOCOL.md gives are the constants.

use std::time::Duration;

use opsbox_protocol::limits;
use opsbox_protocol::message::Limits;

use super::Published;
use super::document::{self, rule, section, table, words};
use crate::environ::COMMON_VARIABLES;
use crate::manifest::{Restart, Timeouts, units};
use crate::plugin::launch::{self, Clocks};

#[test]
fn the_usual_limits_of_the_document_are_those_that_the_host_tells() {
    let document = document::text();
    let told = serde_json::to_value(Limits::with_line_bytes(limits::LINE_BYTES)).unwrap();
    let rows = table(&section(&document, "## 4 "), "Member").rows;
    assert_eq!(rows.len(), told.as_object().unwrap().len());
    for row in rows {
        let member = words(&row[0]).remove(0);
        let usual = row[2].split(' ').next().unwrap();
        assert_eq!(told[&member].to_string(), usual, "{member}");
        if member == "line_bytes" {
            assert!(
                row[2].contains(&format!("({} MiB)", limits::LINE_BYTES >> 20)),
                "{row:?}"
            );
            assert!(
                row[3].contains(&format!("{} GiB", limits::LEGACY_LINE_BYTES >> 30)),
                "{row:?}"
            );
        }
    }
    let hello = rule(&document, "LIM-1");
    assert!(
        hello.contains(&format!("{} MiB", limits::HANDSHAKE_LINE_BYTES >> 20)),
        "{hello}"
    );
}

#[test]
fn the_budget_of_noise_of_the_document_is_the_hosts() {
    let document = document::text();
    let budget = format!(
        "{} lines or {} KiB, afterwards {} lines in each {} seconds",
        limits::NOISE_LINES_HANDSHAKE,
        limits::NOISE_BYTES_HANDSHAKE >> 10,
        limits::NOISE_LINES,
        limits::NOISE_PERIOD_SECONDS
    );
    let noise = rule(&document, "NOISE-2");
    assert!(noise.contains(&budget), "`{budget}` does not stand in: {noise}");
    assert_eq!(limits::DAMAGED_LINES, 3);
    assert!(rule(&document, "NOISE-3").contains("The third such line"));
}

/// Returns a clock by its key in `[timeouts]`.
fn clock(clocks: &Clocks, key: &str) -> Option<Duration> {
    match key {
        "handshake" => clocks.handshake,
        "grab_config" => clocks.grab_config,
        "set_data" => clocks.set_data,
        "activate" => clocks.activate,
        "hook_idle" => clocks.hook_idle,
        "hook_total" => clocks.hook_total,
        "cancel_grace" => clocks.cancel_grace,
        "stdin_stall" => clocks.stdin_stall,
        other => panic!("no clock `{other}`"),
    }
}

#[test]
fn the_deadlines_of_the_document_and_of_the_schema_are_the_hosts() {
    let document = document::text();
    let usual = launch::clocks(&Timeouts::default(), None, false);
    let schema = Published::named("manifest").unwrap().schema();
    let published = schema["properties"]["timeouts"]["properties"]
        .as_object()
        .unwrap();
    let mut told = Vec::new();
    for row in table(&section(&document, "## 13 "), "Key").rows {
        for key in words(&row[0]) {
            let seconds = row[1].strip_suffix(" s").unwrap().parse().unwrap();
            assert_eq!(clock(&usual, &key), Some(Duration::from_secs(seconds)), "{key}");
            let default = published[&key]["default"].as_str().unwrap();
            assert_eq!(units::duration(default).ok(), clock(&usual, &key), "{key}");
            told.push(key);
        }
    }
    assert_eq!(told, published.keys().cloned().collect::<Vec<_>>());
    let legacy = launch::clocks(&Timeouts::default(), None, true);
    assert_eq!(legacy.grab_config, Some(Duration::from_secs(60)));
    assert!(section(&document, "## 13 ").contains("60 s for a plugin of the Python Opsbox"));
}

#[test]
fn the_end_of_a_process_and_its_restarts_are_as_the_document_says() {
    use crate::plugin::session::end::{AFTER_EOF, AFTER_TERM, SHUTDOWN};
    let document = document::text();
    let (asked, closed, told) = (SHUTDOWN.as_secs(), AFTER_EOF.as_secs(), AFTER_TERM.as_secs());
    let ladder = format!(
        "`shutdown` (answer within {asked} s), then its standard input is closed ({closed} s), SIGTERM to the group ({told} s)"
    );
    let text = rule(&document, "PROC-2");
    assert!(text.contains(&ladder), "`{ladder}` does not stand in: {text}");
    assert!(
        text.contains(&format!("{} s in all", asked + closed + told)),
        "{text}"
    );

    let schema = Published::named("manifest").unwrap().schema();
    let published = &schema["properties"]["restart"]["properties"];
    assert_eq!(published["times"]["default"], Restart::TIMES);
    let backoff = published["backoff"]["default"].as_str().unwrap();
    assert_eq!(units::duration(backoff), Ok(Restart::BACKOFF));
    assert_eq!(Restart::TIMES, 2);
    assert!(rule(&document, "PROC-5").contains("twice unless `[restart]`"));
    let longest = format!("{} s at most", Restart::LONGEST.as_secs());
    assert!(section(&document, "### `[restart]`").contains(&longest));
}

#[test]
fn the_variables_of_the_document_are_those_that_plugins_get() {
    let document = document::text();
    let text = rule(&document, "ENV-1");
    let mut listed = words(&text);
    // What stands behind the list explains.
    let end = listed.iter().position(|word| word == "[run] env").unwrap();
    listed.truncate(end);
    assert_eq!(listed, COMMON_VARIABLES);
    let own = [
        "OPSBOX_PLUGIN",
        "OPSBOX_PROTOCOL",
        "OPSBOX_PLUGIN_HOME",
        "OPSBOX_RUN_ID",
    ];
    let told = words(&rule(&document, "ENV-2"));
    let told: Vec<&String> = told.iter().filter(|word| word.starts_with("OPSBOX_")).collect();
    assert_eq!(told, own);
}
