//! Bytes as Python's `marshal.dumps(value, 4)` writes them; what a whole Python makes of much more is compared in `sdk-python/tests/test_native.py`.

use super::*;

fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    [&[kind], &length.to_le_bytes()[..], content].concat()
}

fn converted(frames: &[u8]) -> Result<String, String> {
    let mut text = Vec::new();
    convert(&mut &frames[..], &mut text).map_err(|refused| refused.to_string())?;
    Ok(String::from_utf8(text).unwrap())
}

fn value(marshalled: &[u8]) -> Result<String, String> {
    converted(&[frame(b'v', marshalled), frame(b'.', b"")].concat())
}

fn float(value: f64) -> String {
    let mut text = Vec::new();
    number::float(value, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn frames_follow_each_other_and_a_list_gives_its_items() {
    let frames = [
        frame(b't', b"{\"a\":["),
        frame(b'l', b"[\x02\0\0\0i\x01\0\0\0N"),
        frame(b't', b","),
        frame(b'l', b"[\0\0\0\0"),
        frame(b'v', b"T"),
        frame(b't', b"]}"),
        frame(b'.', b""),
    ];
    assert_eq!(converted(&frames.concat()).unwrap(), r#"{"a":[1,null,true]}"#);
}

#[test]
fn a_stream_that_stops_early_gives_nothing() {
    let whole = [frame(b'v', b"N"), frame(b'.', b"")].concat();
    assert_eq!(converted(&whole).unwrap(), "null");
    for length in 0..whole.len() {
        converted(&whole[..length]).unwrap_err();
    }
    converted(&frame(b'x', b"")).unwrap_err();
}

#[test]
fn values_of_every_kind_are_written() {
    for (marshalled, text) in [
        (&b"N"[..], "null"),
        (b"T", "true"),
        (b"F", "false"),
        (b"i\xff\xff\xff\xff", "-1"),
        (b"l\xfb\xff\xff\xff\0\0\0\0\0\0\0\0\x01\0", "-1152921504606846976"),
        (b"g\0\0\0\0\0\0\xf8?", "1.5"),
        (b"z\x03a\"b", r#""a\"b""#),
        (b"Z\x01\n", r#""\n""#),
        (b"a\x01\0\0\0\x7f", "\"\x7f\""),
        (b"A\x01\0\0\0\x1f", r#""\u001f""#),
        (b"u\x02\0\0\0\xc3\xbc", "\"ü\""),
        (b"t\x02\0\0\0\xc3\xbc", "\"ü\""),
        (b"(\x01\0\0\0N", "[null]"),
        (b")\x02NN", "[null,null]"),
        (b"[\0\0\0\0", "[]"),
        (b"{0", "{}"),
        (b"{z\x01aNz\x01b{00", r#"{"a":null,"b":{}}"#),
    ] {
        assert_eq!(value(marshalled).as_deref(), Ok(text), "{marshalled:?}");
        for length in 0..marshalled.len() {
            value(&marshalled[..length]).unwrap_err();
        }
    }
}

#[test]
fn what_stood_before_is_written_again() {
    // [x := "ab", x, y := [x], y]
    let shared = b"[\x04\0\0\0\xfa\x02abr\0\0\0\0\xdb\x01\0\0\0r\0\0\0\0r\x01\0\0\0";
    assert_eq!(value(shared).unwrap(), r#"["ab","ab",["ab"],["ab"]]"#);
}

#[test]
fn keys_that_are_no_texts_become_texts_and_stay_values_elsewhere() {
    // {x := 7: x, y := 1.5: y, None: None, True: z := "a", z: 7}
    let keys = b"{\xe9\x07\0\0\0r\0\0\0\0\xe7\0\0\0\0\0\0\xf8?r\x01\0\0\0NNT\xfa\x01ar\x02\0\0\0r\0\0\0\x000";
    assert_eq!(
        value(keys).unwrap(),
        r#"{"7":7,"1.5":1.5,"null":null,"true":"a","a":7}"#
    );
    value(b"{)\x00N0").unwrap_err();
}

#[test]
fn what_python_has_to_write_itself_is_refused() {
    for marshalled in [
        // Bytes, a set, a complex number, an ellipsis.
        &b"s\x01\0\0\0a"[..],
        b"<\0\0\0\0",
        b"y\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b".",
        // Not a number, infinity, half a pair of surrogates, more than 120 bits.
        b"g\0\0\0\0\0\0\xf8\x7f",
        b"g\0\0\0\0\0\0\xf0\x7f",
        b"u\x03\0\0\0\xed\xa0\x80",
        b"l\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0",
        // A list that holds itself, something that never was, two values.
        b"\xdb\x01\0\0\0r\0\0\0\0",
        b"r\0\0\0\0",
        b"NN",
    ] {
        value(marshalled).unwrap_err();
    }
    let deep = [b"[\x01\0\0\0".repeat(300), b"N".to_vec()].concat();
    value(&deep).unwrap_err();
}

#[test]
fn lists_that_stand_in_each_other_again_and_again_come_to_an_end() {
    // Each of 40 lists holds the one before twice: 2^40 items.
    let mut marshalled = vec![b'[', 40, 0, 0, 0, 0xdb, 0, 0, 0, 0];
    for number in 0..39_u8 {
        marshalled.extend([0xdb, 2, 0, 0, 0, b'r', number, 0, 0, 0, b'r', number, 0, 0, 0]);
    }
    assert_eq!(value(&marshalled).unwrap_err(), "a value without end");
}

#[test]
fn floats_are_spelt_as_python_spells_them() {
    for (number, spelt) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (100.0, "100.0"),
        (-12.5, "-12.5"),
        (0.1, "0.1"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (0.000_012_5, "1.25e-05"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
        (1234.5678, "1234.5678"),
        (4_452_712_482_368_009.0 / 4.0, "1113178120592002.2"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
    ] {
        assert_eq!(float(number), spelt);
    }
}
