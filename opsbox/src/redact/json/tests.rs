//! What is hidden of a JSON text, what is not, and that it stays JSON.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;

fn of(text: &str, known: &[&str], hide: &[&str]) -> Redacted {
    let redactor = Redactor::of_texts(known.iter().copied());
    let hide: Vec<_> = hide.iter().map(|field| (*field).to_owned()).collect();
    let done = json(text, Some(&redactor), &hide);
    assert!(
        serde_json::from_str::<IgnoredAny>(&done.text).is_ok(),
        "{}",
        done.text
    );
    done
}

#[test]
fn what_is_no_secret_stays_as_it_is_spelt() {
    let done = of(
        r#"{"a" :[1.50,1e3, {}, []],"b":{"c\u00e9":null}}"#,
        &["not-in-it"],
        &[],
    );
    let wanted = "{\n  \"a\": [\n    1.50,\n    1e3,\n    {},\n    []\n  ],\n  \"b\": {\n    \"c\\u00e9\": null\n  }\n}\n";
    assert_eq!(done.text, wanted);
    assert!(done.hidden.is_empty());
    assert_eq!(of("3", &[], &[]).text, "3\n");
}

#[test]
fn a_secret_goes_from_texts_numbers_and_names_and_the_text_stays_json() {
    let text = r#"{"u":[{"t":"a s3cret-value b"},{"t":"s3cret-value"}],"n":[12345678],"s3cret-value":1,"x-s3cret-value":2}"#;
    let done = of(text, &["s3cret-value", "12345678"], &[]);
    assert!(
        !done.text.contains("s3cret") && !done.text.contains("12345678"),
        "{}",
        done.text
    );
    let value: Value = serde_json::from_str(&done.text).unwrap();
    assert_eq!(value["u"][0]["t"], "a <secret> b");
    assert_eq!(value["n"][0], "<secret>");
    assert_eq!(value["<secret>"], 1);
    assert_eq!(value["x-<secret>#2"], 2);
    let hidden: Vec<_> = done.hidden.iter().map(|(path, n)| (path.as_str(), *n)).collect();
    assert_eq!(
        hidden,
        [("<secret>", 1), ("n[]", 1), ("u[].t", 2), ("x-<secret>#2", 1)]
    );
}

#[test]
fn any_escape_of_json_is_seen_through_and_none_is_cut() {
    for spelt in [
        r#""\u0073\u0033cret-value""#,
        r#""s3cret\u002Dvalue""#,
        r#""s3cret-val\u0075e!""#,
    ] {
        let done = of(&format!("[{spelt}]"), &["s3cret-value"], &[]);
        assert!(done.text.contains("<secret>"), "{}", done.text);
    }
    // The digits of an escape are no text.
    let done = of(r#"["\u00e9e0e9e1ab"]"#, &["00e9e0e9e1ab"], &[]);
    assert_eq!(done.text, "[\n  \"<secret>\"\n]\n");
}

#[test]
fn a_secret_that_is_a_part_of_the_json_text_hides_all_that_it_touches() {
    let secret = r#"{"id":"abc","with":[77]}"#;
    let done = of(
        &format!(r#"{{"account":{secret},"other":"kept"}}"#),
        &[secret],
        &[],
    );
    assert!(
        !done.text.contains("abc") && !done.text.contains("77"),
        "{}",
        done.text
    );
    assert!(done.text.contains("kept"), "{}", done.text);
}

#[test]
fn texts_of_a_secret_that_is_json_are_secrets_too() {
    let secret = r#"{"type":"x","private_key":"first-line-of-key\nsecond-line-of-key"}"#;
    let done = of(
        r#"{"key":"first-line-of-key\nsecond-line-of-key"}"#,
        &[secret],
        &[],
    );
    assert_eq!(done.text, "{\n  \"key\": \"<secret>\"\n}\n");
}

#[test]
fn fields_are_hidden_by_name_and_names_that_tell_of_secrets_are_told() {
    let text = r#"{"u":[{"Password":"x"},{"Password":""},{"data":{"a":[1]}}],"api_key":null,"Key":"Name"}"#;
    let done = of(text, &[], &["u[].data"]);
    assert!(done.text.contains("\"data\": \"<secret>\""), "{}", done.text);
    let telling: Vec<_> = done.telling.keys().collect();
    assert_eq!(telling, ["u[].Password"]);
}

#[test]
fn a_long_text_that_holds_a_secret_is_hidden_whole() {
    let long = format!("s3cret-value{}", "x".repeat(LOOKED_AT));
    let done = of(&format!("[\"{long}\"]"), &["s3cret-value"], &[]);
    assert_eq!(done.text, "[\n  \"<secret>\"\n]\n");
}

#[test]
fn a_field_is_hidden_however_its_name_is_spelt() {
    let text = r#"[{"pr\u00e9nom":"a"},{"prénom":"b"},{"pr\u00E9nom":["c"]}]"#;
    let done = of(text, &[], &["[].prénom"]);
    assert_eq!(done.hidden.get("[].prénom"), Some(&3), "{}", done.text);
    for left in ["\"a\"", "\"b\"", "\"c\""] {
        assert!(!done.text.contains(left), "{}", done.text);
    }
    let done = of(r#"{"api_\u006bey":"x"}"#, &[], &[]);
    assert!(done.telling.contains_key("api_key"), "{done:?}");
}

#[test]
fn the_members_of_a_result_keep_their_names_and_no_others_do() {
    let text = r#"{"details":{"details":"formatted"},"formatted":"no"}"#;
    let done = of(text, &["details", "formatted"], &[]);
    let wanted = "{\n  \"details\": {\n    \"<secret>\": \"<secret>\"\n  },\n  \"formatted\": \"no\"\n}\n";
    assert_eq!(done.text, wanted);
}
