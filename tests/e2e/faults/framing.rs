//! Cases 13 to 23: how a line is made, how long it is, and what stands in it.

use serde_json::{Value, json};

use super::harness::Case;

/// The most memory that a host may take that has no large line to hold, in KiB.
const MODEST: u64 = 120 * 1024;

#[test]
fn case_13_crlf_and_bom() {
    let ran = Case::of("windows").run().lives(&[]);
    assert_eq!(ran.count("warning"), 0, "{}", ran.seen);
}

#[test]
fn case_14_a_line_in_writes_of_one_byte() {
    let ran = Case::of("bytewise").run().lives(&[]);
    assert_eq!(ran.details("bytewise")[0]["message"], "found a");
}

#[test]
fn case_15_two_messages_in_one_write() {
    let ran = Case::of("paired").flags(&["-v"]).run().lives(&[]);
    assert!(ran.count("bad: and") >= 4, "{}", ran.seen);
}

#[test]
fn case_16_the_last_line_has_no_end() {
    let ran = Case::of("no_last_newline").run().lives(&[]);
    assert_eq!(ran.details("no_last_newline")[0]["message"], "found a");
    Case::of("half_a_line")
        .run()
        .fails("process", &["not valid JSON: EOF"]);
}

#[test]
fn case_17_a_line_of_the_most_bytes_and_one_more() {
    let limit = 2 * 1024 * 1024;
    let line_of = |bytes: u64| {
        Case::of("line_of")
            .with(bytes)
            .tables("[limits]\nline = \"2MiB\"")
            .run()
    };
    let ran = line_of(limit).lives(&[]);
    let text = ran.details("line_of")[0]["text"].as_str().unwrap().len() as u64;
    assert!(text < limit && text > limit - 1024, "{text}");
    let texts = ["larger than the limit of 2097152 bytes", "[limits] line"];
    line_of(limit + 1).fails("process", &texts);
    // So much that the rest of it must be thrown away, and the plugin still ends in good order.
    line_of(2 * limit - 1024).fails("process", &texts);
}

#[test]
fn case_17_a_line_without_end_takes_no_memory() {
    let ran = Case::of("line_without_end")
        .tables("[limits]\nline = \"2MiB\"")
        .and_output("weighs")
        .run()
        .fails("process", &["larger than the limit of 2097152 bytes"]);
    let most: u64 = ran.sandbox.read("work/weighs").parse().unwrap();
    assert!(most < MODEST, "the host took {most} KiB");
}

#[test]
fn case_18_a_line_is_not_utf8() {
    Case::of("not_utf8").run().fails("process", &["not UTF-8"]);
    Case::of("noise_not_utf8")
        .run()
        .lives(&["wrote to stdout", "caf"]);
}

#[test]
fn case_19_json_is_cut_short_and_its_id_can_be_read() {
    // The call fails at once, and the plugin ends in good order: nothing waits for a deadline.
    Case::of("damaged_answer")
        .run()
        .fails("process", &["not valid JSON"]);
}

#[test]
fn case_20_json_of_another_shape() {
    let texts = ["wrong shape", "expected a list of Results, got an object"];
    Case::of("wrong_shape").run().fails("process", &texts);
    Case::of("batch").run().fails("process", &["a batch (an array)"]);
    let ran = Case::of("scalars")
        .run()
        .lives(&["wrote to stdout", "`42`", "`null`"]);
    assert_eq!(ran.count("warning: bad:"), 6, "{}", ran.seen);
    for (answer, texts) in [
        ("null", "got null"),
        (
            "[[]]",
            "item 0 of the list: expected a Result (an object), got a list",
        ),
        ("[{\"relates_to\":1}]", "item 0 of the list"),
        ("\"text\"", "got a string"),
    ] {
        Case::of("answer")
            .with_text(answer)
            .run()
            .fails("process", &["wrong shape", texts]);
    }
}

#[test]
fn case_21_a_bomb_of_depth() {
    Case::of("deep")
        .with(10_000)
        .run()
        .fails("process", &["levels deep, 128 are allowed"]);
    Case::of("deep").with(100).run().lives(&[]);
}

/// Runs an input with these details; returns what the output `keeps` was sent.
#[track_caller]
fn sent(details: &str) -> (super::harness::Ran, String) {
    let ran = Case::of("details").with_text(details).and_output("keeps").run();
    let sent = ran.sandbox.read("work/keeps");
    (ran, sent)
}

#[test]
fn case_22_numbers_and_texts_that_others_mistake_pass_byte_for_byte() {
    let details = r#"{"large":9007199254740993,"larger":123456789012345678901234567890,"zero":-0,"exact":0.1000,"small":1E-400,"again":1,"again":2,"b":{"é":"\u00e9","slash":"\/"}}"#;
    let (ran, sent) = sent(details);
    assert!(sent.contains(details), "{sent}");
    ran.lives(&[]);
}

#[test]
fn case_22_what_is_no_number_and_no_text_is_refused_where_it_was_made() {
    for details in [
        "{\"n\":1e400}",
        "{\"s\":\"\\ud800\"}",
        "{\"n\":NaN}",
        "{\"n\":01}",
        "{\"n\":Infinity}",
    ] {
        let ran = Case::of("details").with_text(details).and_output("keeps").run();
        // Either it passes as it is, or its maker is told.
        let kept = ran.sandbox.read("work/keeps");
        if ran.seen.code == Some(0) {
            assert!(kept.contains(details), "{details}: {kept}");
        } else {
            ran.fails("process", &[]);
            assert!(!kept.contains(details), "{details}: {kept}");
        }
    }
}

#[test]
fn case_23_separators_escapes_and_nul() {
    let details = "{\"text\":\"a\u{2028}b\u{2029}c\\n\\u0000\\\\n\\u2028\"}";
    let (ran, sent) = sent(details);
    assert!(sent.contains(details), "{sent}");
    let text = ran.lives(&[]).details("details");
    assert_eq!(text, json!({"text": "a\u{2028}b\u{2029}c\n\0\\n\u{2028}"}));
    assert!(matches!(text, Value::Object(_)));
    Case::of("raw_nul").run().fails("process", &["not valid JSON"]);
}

#[test]
fn and_a_line_that_trickles_meets_its_deadline() {
    Case::of("trickles")
        .tables("[timeouts]\nhook_total = \"1s\"")
        .run()
        .fails("process", &["no answer", "within 1s"]);
}

#[test]
fn and_the_third_damaged_message_ends_the_plugin() {
    Case::of("damages_often")
        .run()
        .fails("process", &["it broke the protocol", "3 damaged messages"]);
}
