//! Rego values as JSON text, with numbers spelt as OPA spells them.
//!
//! A float that passed through from the input keeps its point (`0.0`); a computed whole number is an integer, because the interpreter
//! makes it one. What is not kept: another spelling of the same number (`1.50`, `1.5e3`), since the value holds no text.

use std::borrow::Cow;
use std::mem::discriminant;

use regorus::Value;
use regorus::value::Object;

/// Writes values as JSON text without spaces, object keys sorted.
#[derive(Debug)]
pub struct Speller {
    float: Value,
}

impl Default for Speller {
    fn default() -> Self {
        Self {
            float: Value::from(0.5_f64),
        }
    }
}

impl Speller {
    /// Returns the value's JSON text.
    pub fn text(&self, value: &Value) -> String {
        let mut out = Vec::new();
        self.write(&mut out, value);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Appends the value's JSON text.
    ///
    /// Sets are lists in Rego's order; keys that are no strings become their JSON text; undefined members are left out, an undefined
    /// value alone is `null` (callers test for it first).
    pub fn write(&self, out: &mut Vec<u8>, value: &Value) {
        match value {
            Value::Null | Value::Undefined => out.extend_from_slice(b"null"),
            Value::Bool(true) => out.extend_from_slice(b"true"),
            Value::Bool(false) => out.extend_from_slice(b"false"),
            Value::Number(_) => self.write_number(out, value),
            Value::String(text) => write_string(out, text),
            Value::Array(items) => self.write_list(out, items.iter()),
            Value::Set(items) => {
                // The interpreter puts sets before objects, OPA after them; all else is in the same order.
                let is_set = |item: &&Value| matches!(item, Value::Set(_));
                let others = items.iter_sorted().filter(|item| !is_set(item));
                self.write_list(out, others.chain(items.iter_sorted().filter(is_set)));
            }
            Value::Object(fields) => self.write_object(out, fields),
        }
    }

    fn write_list<'a>(&self, out: &mut Vec<u8>, items: impl Iterator<Item = &'a Value>) {
        out.push(b'[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.write(out, item);
        }
        out.push(b']');
    }

    fn write_object(&self, out: &mut Vec<u8>, fields: &Object) {
        let defined = fields
            .iter_sorted()
            .filter(|(_, value)| **value != Value::Undefined);
        out.push(b'{');
        if fields.keys().all(|key| matches!(key, Value::String(_))) {
            // Rego orders strings by their bytes, as the JSON text is to be.
            self.write_fields(out, defined.map(|(key, value)| (self.key(key), value)));
        } else {
            let mut texts: Vec<_> = defined.map(|(key, value)| (self.key(key), value)).collect();
            texts.sort();
            self.write_fields(out, texts.into_iter());
        }
        out.push(b'}');
    }

    fn write_fields<'a>(&self, out: &mut Vec<u8>, fields: impl Iterator<Item = (Cow<'a, str>, &'a Value)>) {
        for (index, (key, value)) in fields.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(out, &key);
            out.push(b':');
            self.write(out, value);
        }
    }

    fn key<'a>(&self, key: &'a Value) -> Cow<'a, str> {
        match key {
            Value::String(text) => Cow::Borrowed(text),
            other => Cow::Owned(self.text(other)),
        }
    }

    fn write_number(&self, out: &mut Vec<u8>, value: &Value) {
        let (Ok(number), Ok(probe)) = (value.as_number(), self.float.as_number()) else {
            return;
        };
        // The crate does not export its number type, but two values of it can be asked whether they are the same variant.
        match number.as_f64() {
            Some(float) if discriminant(number) == discriminant(probe) => {
                opsbox_bulk::spell::float(out, float);
            }
            _ => out.extend_from_slice(number.format_decimal().as_bytes()),
        }
    }
}

/// Appends a string as JSON text.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    // Writing a string into a vector cannot fail.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evaluates one expression as a policy would.
    fn eval(expression: &str, input: &str) -> String {
        let mut engine = regorus::Engine::new();
        engine
            .add_policy("t.rego".into(), format!("package t\nv := {expression}"))
            .unwrap();
        engine.set_input(Value::from_json_str(input).unwrap());
        Speller::default().text(&engine.eval_rule("data.t.v".into()).unwrap())
    }

    /// Each right side is what OPA 1.4.2 printed for the same policy and input.
    #[test]
    fn numbers_that_passed_through_are_spelt_as_opa_spells_them() {
        for literal in [
            "0.0",
            "-0.0",
            "1732029738.0",
            "1.5",
            "0.1",
            "123.456",
            "100.0",
            "-1.0",
            "0.30000000000000004",
            "9007199254740993",
            "18446744073709551615",
            "-9223372036854775808",
            "1e+21",
            "1e-07",
            "1.5e-05",
            "0.00015",
            "1e+16",
            "1.7976931348623157e+308",
            "5e-324",
            "0",
            "-1",
        ] {
            let json = format!(r#"{{"n":{literal}}}"#);
            assert_eq!(eval("input.n", &json), literal);
        }
    }

    /// OPA keeps the literal; the value here holds only the number.
    #[test]
    fn another_spelling_of_the_same_number_is_not_kept() {
        for (literal, ours) in [
            ("1.50", "1.5"),
            ("1.5e3", "1500.0"),
            ("1E5", "100000.0"),
            ("3.0e0", "3.0"),
            ("1e2", "100.0"),
            ("1e21", "1e+21"),
            ("-0", "-0.0"),
        ] {
            assert_eq!(eval("input.n", &format!(r#"{{"n":{literal}}}"#)), ours);
        }
    }

    /// Each right side is what OPA 1.4.2 printed.
    #[test]
    fn computed_whole_numbers_are_integers() {
        for (expression, opa) in [
            ("1.5 + 1.5", "3"),
            ("2.0 * 3", "6"),
            ("10 / 4", "2.5"),
            ("10 / 5", "2"),
            ("7 - 7.0", "0"),
            ("input.whole + 0", "5"),
            ("9007199254740993 + 1", "9007199254740994"),
            ("18446744073709551615 + 1", "18446744073709551616"),
            ("floor(2.5)", "2"),
            ("round(2.5)", "3"),
            ("ceil(1.2)", "2"),
            ("abs(-2.5)", "2.5"),
            ("count([1])", "1"),
            ("sum([1.5, 1.5])", "3"),
            ("product([2.0, 3.0])", "6"),
            ("7 % 4", "3"),
            ("to_number(\"1.0\")", "1.0"),
            ("max([1.0, 2.0])", "2.0"),
            ("100000000000000000000", "100000000000000000000"),
            ("1.0", "1.0"),
            ("numbers.range(1, 2)", "[1,2]"),
            ("sprintf(\"%v\", [input.whole])", "\"5\""),
        ] {
            assert_eq!(eval(expression, r#"{"whole":5.0}"#), opa, "{expression}");
        }
    }

    /// OPA prints 2 for both: the interpreter keeps the float here, and it cannot be told from one that passed through.
    #[test]
    fn a_whole_quotient_of_floats_and_a_whole_absolute_value_keep_their_point() {
        assert_eq!(eval("4.0 / 2.0", "{}"), "2.0");
        assert_eq!(eval("abs(-2.0)", "{}"), "2.0");
    }

    /// OPA prints 0.3: it computes in decimal.
    #[test]
    fn sums_of_fractions_differ_from_opa_in_the_last_digit() {
        assert_eq!(eval("0.1 + 0.2", "{}"), "0.30000000000000004");
    }

    /// Each right side is what OPA 1.4.2 printed.
    #[test]
    fn sets_and_odd_keys_are_sorted_as_opa_sorts_them() {
        assert_eq!(
            eval(r#"{3, 1.0, 2.5, "a", null, true, [1], {"a": 1}}"#, "{}"),
            r#"[null,true,1.0,2.5,3,"a",[1],{"a":1}]"#
        );
        assert_eq!(
            eval(r#"{1: "n", "b": 2, "a": 1, true: 3, [1]: 4}"#, "{}"),
            r#"{"1":"n","[1]":4,"a":1,"b":2,"true":3}"#
        );
    }

    #[test]
    fn strings_are_escaped_and_undefined_members_are_left_out() {
        let mut value = Value::from_json_str(r#"{"a":"q\"\n\u0001é"}"#).unwrap();
        value
            .as_object_mut()
            .unwrap()
            .insert(Value::from("b"), Value::Undefined);
        assert_eq!(Speller::default().text(&value), r#"{"a":"q\"\n\u0001é"}"#);
    }
}
