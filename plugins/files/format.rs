//! From a file's text to JSON text, one function per format.

use std::path::Path;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Number, Value};

use crate::json;

/// A format of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    Json,
    Yaml,
    Toml,
    Csv,
    Jsonl,
    Ini,
}

impl Format {
    /// Returns the format that the file's ending tells.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "ini" | "cfg" => Some(Self::Ini),
            _ => None,
        }
    }

    /// Returns the name in configurations and data.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Toml => "toml",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Ini => "ini",
        }
    }

    /// Returns the name for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
            Self::Csv => "CSV",
            Self::Jsonl => "JSON Lines",
            Self::Ini => "INI",
        }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong, beginning with `line N: ` where that is known.
    pub(super) fn read(self, text: &str) -> Result<Box<RawValue>, String> {
        match self {
            Self::Json => read_json(text),
            Self::Yaml => read_yaml(text).and_then(|value| raw(&value)),
            Self::Toml => read_toml(text).and_then(|value| raw(&value)),
            Self::Csv => read_csv(text).and_then(|value| raw(&value)),
            Self::Jsonl => read_jsonl(text),
            Self::Ini => read_ini(text).and_then(|value| raw(&value)),
        }
    }
}

fn raw(value: &Value) -> Result<Box<RawValue>, String> {
    to_raw_value(value).map_err(|error| error.to_string())
}

fn read_json(text: &str) -> Result<Box<RawValue>, String> {
    serde_json::from_str::<&RawValue>(text)
        .map(RawValue::to_owned)
        .map_err(|error| json_fault(&error, error.line()))
}

fn json_fault(error: &serde_json::Error, line: usize) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    format!("line {line}: {what}")
}

fn read_jsonl(text: &str) -> Result<Box<RawValue>, String> {
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let items: Vec<&RawValue> = lines
        .map(|(index, line)| serde_json::from_str(line).map_err(|error| json_fault(&error, index + 1)))
        .collect::<Result<_, _>>()?;
    RawValue::from_string(json::array_of(&items)).map_err(|error| error.to_string())
}

fn read_yaml(text: &str) -> Result<Value, String> {
    let fault = |error: yaml_serde::Error| {
        let text = error.to_string();
        match error.location() {
            Some(location) => {
                let what = text.split(" at line ").next().unwrap_or_default();
                format!("line {}: {what}", location.line())
            }
            None => text,
        }
    };
    let mut documents = Vec::new();
    for document in yaml_serde::Deserializer::from_str(text) {
        let mut value = yaml_serde::Value::deserialize(document).map_err(fault)?;
        value.apply_merge().map_err(fault)?;
        documents.push(of_yaml(value));
    }
    Ok(match documents.len() {
        0 => Value::Null,
        1 => documents.remove(0),
        _ => Value::Array(documents),
    })
}

fn of_yaml(value: yaml_serde::Value) -> Value {
    match value {
        yaml_serde::Value::Null => Value::Null,
        yaml_serde::Value::Bool(flag) => flag.into(),
        yaml_serde::Value::Number(number) => of_number(number.as_i64(), number.as_u64(), number.as_f64()),
        yaml_serde::Value::String(text) => text.into(),
        yaml_serde::Value::Sequence(items) => items.into_iter().map(of_yaml).collect(),
        yaml_serde::Value::Mapping(members) => members
            .into_iter()
            .map(|(key, value)| (key_of(of_yaml(key)), of_yaml(value)))
            .collect(),
        // What a tag such as CloudFormation's `!Ref` means is for its own tools to say; the value is kept under its name.
        yaml_serde::Value::Tagged(tagged) => {
            Value::Object(Map::from_iter([(tagged.tag.to_string(), of_yaml(tagged.value))]))
        }
    }
}

/// JSON has text for keys; others are spelt as JSON.
fn key_of(key: Value) -> String {
    match key {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Infinities and "not a number" have no place in JSON and become null.
fn of_number(signed: Option<i64>, unsigned: Option<u64>, float: Option<f64>) -> Value {
    signed
        .map(Value::from)
        .or_else(|| unsigned.map(Value::from))
        .or_else(|| float.and_then(Number::from_f64).map(Value::Number))
        .unwrap_or(Value::Null)
}

fn read_toml(text: &str) -> Result<Value, String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let before = error
            .span()
            .map_or("", |span| text.get(..span.start).unwrap_or_default());
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        format!(
            "line {line}: {}",
            error.message().lines().next().unwrap_or_default()
        )
    })?;
    Ok(of_toml(toml::Value::Table(table)))
}

fn of_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => of_number(None, None, Some(number)),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(of_toml).collect(),
        toml::Value::Table(members) => members
            .into_iter()
            .map(|(key, value)| (key, of_toml(value)))
            .collect(),
    }
}

fn read_csv(text: &str) -> Result<Value, String> {
    let fault = |error: csv::Error| match error.kind() {
        csv::ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("line {line}: a row of {len} fields under a header of {expected_len}")
        }
        _ => error.to_string(),
    };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(fault)?.clone();
    for (index, column) in header.iter().enumerate() {
        if header.iter().take(index).any(|earlier| earlier == column) {
            return Err(format!("line 1: the column `{column}` stands twice"));
        }
    }
    let row_of = |row: csv::StringRecord| -> Value {
        header
            .iter()
            .zip(&row)
            .map(|(column, field)| (column.to_owned(), Value::from(field)))
            .collect()
    };
    reader
        .into_records()
        .map(|row| row.map(row_of).map_err(fault))
        .collect()
}

/// Every value is text, as INI knows nothing else; a key without `=` is null. Keys before the first section are members of their own.
fn read_ini(text: &str) -> Result<Value, String> {
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') && !line.contains(']') {
            return Err(format!("line {}: the section's name is not closed", index + 1));
        }
    }
    let mut ini = configparser::ini::Ini::new_cs();
    // Nobody can name a section like this, so that keys before the first one stay apart.
    ini.set_default_section("\u{0}");
    let sections = ini.read(text.to_owned())?;
    let mut names = Map::new();
    // Sections and keys keep the order of the file, which the parser forgets.
    let mut ordered: Vec<_> = sections.into_iter().collect();
    ordered.sort_by_key(|(name, _)| {
        (
            name != "\u{0}",
            text.find(&format!("[{name}]")).unwrap_or(usize::MAX),
            name.clone(),
        )
    });
    for (section, keys) in ordered {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort();
        let members = keys
            .into_iter()
            .map(|(key, value)| (key, value.map_or(Value::Null, Value::from)));
        if section == "\u{0}" {
            names.extend(members);
        } else {
            names.insert(section, Value::Object(members.collect()));
        }
    }
    Ok(Value::Object(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: Format, text: &str, wanted: &str) {
        assert_eq!(
            format.read(text).map(|raw| raw.get().to_owned()).as_deref(),
            Ok(wanted),
            "{text}"
        );
    }

    #[test]
    fn yaml_becomes_json_with_merges_tags_and_several_documents() {
        check(
            Format::Yaml,
            "b: 1\na: [x, 1.5, .nan, yes, null]\n",
            r#"{"b":1,"a":["x",1.5,null,"yes",null]}"#,
        );
        check(
            Format::Yaml,
            "x: &x {a: 1}\ny:\n  <<: *x\n  b: 2\n",
            r#"{"x":{"a":1},"y":{"b":2,"a":1}}"#,
        );
        check(
            Format::Yaml,
            "a: !Ref Bucket\n1: z\n",
            r#"{"a":{"!Ref":"Bucket"},"1":"z"}"#,
        );
        check(Format::Yaml, "a: 1\n---\nb: 2\n", r#"[{"a":1},{"b":2}]"#);
        check(Format::Yaml, "", "null");
    }

    #[test]
    fn toml_becomes_json_with_dates_as_text() {
        check(
            Format::Toml,
            "d = 2024-01-02T03:04:05Z\n[t]\nn = inf\nx = [1, 2.0]\n",
            r#"{"d":"2024-01-02T03:04:05Z","t":{"n":null,"x":[1,2.0]}}"#,
        );
    }

    #[test]
    fn csv_becomes_a_list_of_objects_of_text() {
        check(
            Format::Csv,
            "z,a\n1,\"x, y\"\n2,\n",
            r#"[{"z":"1","a":"x, y"},{"z":"2","a":""}]"#,
        );
        check(Format::Csv, "z,a\n", "[]");
        assert_eq!(
            Format::Csv.read("a,a\n").expect_err("doubled"),
            "line 1: the column `a` stands twice"
        );
    }

    #[test]
    fn json_lines_keep_each_documents_spelling() {
        check(
            Format::Jsonl,
            "{\"a\": 1.0}\r\n\n2e400\n",
            r#"[{"a": 1.0},2e400]"#,
        );
    }

    #[test]
    fn ini_becomes_an_object_of_objects() {
        check(
            Format::Ini,
            "top = 1\n[z]\nB = x = y\nflag\n; comment\n[a]\nk: v\n",
            r#"{"top":"1","z":{"B":"x = y","flag":null},"a":{"k":"v"}}"#,
        );
    }
}
