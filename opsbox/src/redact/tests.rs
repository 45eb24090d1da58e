//! What is taken for a secret and what is not, and that large texts cost little.

use serde_json::{Value, json};

use super::*;

fn redactor(secrets: &Value) -> Redactor {
    let mut spellings = Spellings::default();
    spellings.add_value(secrets);
    Redactor::new(spellings)
}

#[track_caller]
fn check(secret: &str, text: &str, shown: &str) {
    assert_eq!(redactor(&json!(secret)).text(text), shown);
}

#[test]
fn every_spelling_of_a_secret_is_replaced() {
    for (secret, text) in [
        ("s3cr3t/wört & \"ü\"", "s3cr3t/wört & \"ü\""),
        ("s3cr3t/wört \"ü\"", "s3cr3t/wört \\\"ü\\\""),
        ("s3cr3t/wört \"ü\"", "s3cr3t/w\\u00f6rt \\\"\\u00fc\\\""),
        ("s3cr3t/wört \"ü\"", "s3cr3t\\/wört \\\"ü\\\""),
        ("s3cr3t <wert>", "s3cr3t \\u003cwert\\u003e"),
        ("s3cr3t \"wert\"", "s3cr3t \\\\\\\"wert\\\\\\\""),
        ("s3cr3t/wert+1", "s3cr3t%2Fwert%2B1"),
        ("s3cr3t/wert+1", "s3cr3t%2fwert%2b1"),
        ("s3cr3t/wert 1", "s3cr3t/wert%201"),
        ("s3cr3t/wert 1", "s3cr3t%2Fwert+1"),
        ("s3cr3t'wert'", "s3cr3t\\'wert\\'"),
        // What Python shows of a text with a backslash and either kind of quotes, or both.
        ("s3cr3t\\\"wert\"", "s3cr3t\\\\\"wert\""),
        ("s3cr3t\\'wert'", "s3cr3t\\\\'wert'"),
        ("s3cr3t\\'wert\"", "s3cr3t\\\\\\'wert\""),
    ] {
        check(secret, &format!("<{text}>"), "<<secret>>");
        check(secret, &format!("x{text}x{text}"), "x<secret>x<secret>");
    }
}

#[test]
fn no_text_of_a_progress_keeps_a_secret() {
    let progress = serde_json::from_value(
        json!({"id": 1, "done": 1, "unit": "s3cr3t-value!", "message": "s3cr3t-value!"}),
    );
    let Event::Progress(shown) = redactor(&json!("s3cr3t-value!")).event(Event::Progress(progress.unwrap()))
    else {
        panic!("it is another event");
    };
    assert_eq!(shown.unit.as_deref(), Some("<secret>"));
    assert_eq!(shown.message.as_deref(), Some("<secret>"));
}

#[test]
fn base64_of_a_secret_is_replaced_wherever_it_stands_in_its_group() {
    // base64 of `user:s3cr3t-value!`, of `us:s3cr3t-value!`, of the secret alone, and of bytes that need the other alphabet.
    for text in [
        "Authorization: Basic dXNlcjpzM2NyM3QtdmFsdWUh",
        "Authorization: Basic dXM6czNjcjN0LXZhbHVlIQ==",
        "czNjcjN0LXZhbHVlIQ==",
    ] {
        let shown = redactor(&json!("s3cr3t-value!")).text(text).into_owned();
        assert!(shown.ends_with("<secret>"), "{shown}");
        assert!(shown.contains("<secret>"), "{shown}");
        assert!(
            !shown.contains("M3QtdmFsdW") && !shown.contains("cjN0LXZhbH"),
            "{shown}"
        );
    }
    check("k\u{fb}\u{ff}~~~~~~??>>", "a8O7w79-fn5-fn4_Pz4-", "<secret>");
    check("k\u{fb}\u{ff}~~~~~~??>>", "a8O7w79+fn5+fn4/Pz4+", "<secret>");
}

#[test]
fn each_line_of_a_secret_is_a_secret_and_so_is_a_part_of_it_that_was_indented() {
    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n  hkiG9w0BAQEFAASC\n-----END KEY-----\n";
    check(
        key,
        "got MIIEvQIBADANBgkq and hkiG9w0BAQEFAASC",
        "got <secret> and <secret>",
    );
    check(key, key.trim_end(), "<secret>");
    check(key, &key.replace('\n', "\\n"), "<secret>");
}

#[test]
fn short_secrets_are_replaced_as_whole_words_only() {
    for (text, shown) in [
        ("abc", "<secret>"),
        ("xabc abcx abc_ _abc éabc abcé", "xabc abcx abc_ _abc éabc abcé"),
        (
            "k=abc,\"abc\" (abc) „abc“",
            "k=<secret>,\"<secret>\" (<secret>) „<secret>“",
        ),
        (
            "a\\nabc\\u000aabc %0Aabc\\x0aabc",
            "a\\n<secret>\\u000a<secret> %0A<secret>\\x0a<secret>",
        ),
        ("\u{1b}[31mabc\u{1b}[0m", "\u{1b}[31m<secret>\u{1b}[0m"),
        ("YWJj x=YWJj", "<secret> x=<secret>"),
        ("[mabc", "[mabc"),
    ] {
        check("abc", text, shown);
    }
    check("12345678", "x12345678x", "x<secret>x");
    check("1234567", "x1234567x 1234567", "x1234567x <secret>");
    check("ab", "ab a b", "ab a b");
    assert_eq!(
        redactor(&json!({"pins": [4711, true]})).text("pin 4711, 14711, true"),
        "pin <secret>, 14711, true"
    );
}

#[test]
fn secrets_that_overlap_leave_nothing_of_each_other() {
    let redactor = redactor(&json!(["aaaabbbb1", "bbbb1cccc", "bbbb1"]));
    assert_eq!(redactor.text("-aaaabbbb1cccc-"), "-<secret>-");
    assert_eq!(redactor.text("aaaabbbb1aaaabbbb1"), "<secret><secret>");
}

#[test]
fn a_cut_never_goes_through_a_secret() {
    let redactor = redactor(&json!("s3cr3t-value"));
    let text = b"12345 s3cr3t-value 67890 s3cr3t-value";
    for limit in 0..text.len() + 2 {
        let shown = String::from_utf8(redactor.cut(text, limit).into_owned()).unwrap();
        let rest = shown.replace(SECRET, "");
        assert!("12345  67890 ".starts_with(&rest), "{limit}: {shown}");
        assert!(shown.len() <= limit + SECRET.len(), "{limit}: {shown}");
    }
}

#[test]
fn passwords_of_urls_are_secrets_in_any_field() {
    let mut spellings = Spellings::default();
    let value =
        json!({"mirrors": ["http://bob:p%40ss-word@host/x"], "one": "https://ghp-0123456789@host", "n": 1});
    add_passwords(&value, &mut spellings);
    let shown = Redactor::new(spellings)
        .text("bob logs in with p%40ss-word, p@ss-word and ghp-0123456789")
        .into_owned();
    assert_eq!(shown, "bob logs in with <secret>, <secret> and <secret>");
}

#[test]
fn the_field_of_a_result_that_holds_a_secret_is_named() {
    let redactor = redactor(&json!(["s3cr3t-value", "geheim\"nis"]));
    let result = r#"{"relates_to":"a","details":[{"id":"x, {"},{"a":{"to\"ken":"=s3cr3t-value"},"b":[1,"geheim\"nis"]}],"formatted":"s3cr3t-value s3cr3t-value"}"#;
    assert_eq!(
        redactor.fields_of(result),
        ["details[1].a.to\\\"ken", "details[1].b[1]", "formatted"]
    );
    assert_eq!(
        redactor.fields_of(r#"{"details":{"s3cr3t-value":{"x":"s3cr3t-value"}}}"#),
        ["details.<secret>", "details.<secret>.x"]
    );
    assert!(redactor.fields_of(r#"{"details":[]}"#).is_empty());
}

#[test]
fn what_is_left_of_a_secret_beside_an_ellipsis_is_replaced() {
    for (text, shown) in [
        ("key s3cr3t-va…", "key <secret>…"),
        (
            "input_value='s3cr...alue', input_type=str",
            "input_value='<secret>...<secret>', input_type=str",
        ),
        ("wait … s3cr", "wait … s3cr"),
        ("in s3c…", "in s3c…"),
    ] {
        check("s3cr3t-value", text, shown);
    }
}

#[test]
fn a_secret_in_a_field_is_named_though_the_writer_escaped_it() {
    let redactor = redactor(&json!(["s3cr3t/+value=="]));
    let all: String = "s3cr3t/+value=="
        .bytes()
        .map(|byte| format!("\\u{byte:04X}"))
        .collect();
    let result = format!(
        r#"{{"a":"no\n","details":[{{"t":"\ud800 {all}"}},{{"{all}":"s3cr3t\/\u002Bvalue=\u003D"}}],"formatted":"{{\"t\":\"s3cr3t/\\u002bvalue==\"}}"}}"#
    );
    assert!(
        serde_json::from_str::<serde::de::IgnoredAny>(&result).is_ok(),
        "{result}"
    );
    assert_eq!(
        redactor.fields_of(&result),
        ["details[0].t", "details[1].<secret>", "formatted"]
    );
}

#[test]
fn writers_of_json_spell_a_secret_in_ways_that_are_known() {
    let secret = "k3y+<é'\"&=`/";
    for text in [
        r#"k3y\u002B\u003C\u00E9\u0027\u0022\u0026=\u0060/"#,
        r#"k3y+\u003cé\u0027\"\u0026\u003d`/"#,
        "6b33792b3cc3a92722263d602f",
        "6B33792B3CC3A92722263D602F",
    ] {
        check(secret, text, "<secret>");
    }
}

#[test]
fn a_line_of_the_protocol_is_json_still_and_says_what_it_is() {
    let redactor = redactor(&json!([
        73_519_246,
        "result",
        4711,
        "hunter22-value",
        "{\"k\":[1,2,3]}"
    ]));
    for (line, shown) in [
        (
            r#"{"jsonrpc":"2.0","id":4711,"result":{"pin":73519246,"f":73519246.0,"n":[1, 4711]}}"#,
            r#"{"jsonrpc":"2.0","id":4711,"result":{"pin":"<secret>","f":"<secret>","n":[1, "<secret>"]}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":"hunter22-value","error":{"message":"\u0068unter22-value\n","73519246":0}}"#,
            r#"{"jsonrpc":"2.0","id":"<secret>","error":{"message":"<secret>\n","<secret>":0}}"#,
        ),
        (r#"{"account":{"k":[1,2,3]},"s":"caf\udce9"}"#, r#"{"account":"#),
        ("pin 73519246 {", "pin <secret> {"),
        (r#"{"a":"caf\udce9","b":1.50}"#, r#"{"a":"caf\udce9","b":1.50}"#),
    ] {
        let done = redactor.line(line.into());
        assert!(done.starts_with(shown), "{done} instead of {shown}");
        let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        assert_eq!(is_json(&done), is_json(line), "{done}");
        assert!(!done.contains("[1,2,3]"), "{done}");
    }
}
