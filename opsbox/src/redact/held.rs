//! Where a Result holds a secret: the path of the field, without the value.

use super::Redactor;
use super::tokens::end_of_string;

/// More fields of one Result are not named.
const MOST_FIELDS: usize = 3;
/// In a Result that holds more, the rest is not looked at: each place is found from the start.
const MOST_FOUND: usize = 64;
/// Longer paths are cut.
const MOST_CHARS: usize = 120;

/// One level of a JSON text on the way to a place in it.
enum Level<'a> {
    Object { key: &'a str, in_value: bool },
    Array { index: usize },
}

impl Redactor {
    /// Returns the fields of a Result, a JSON object, that hold a secret, such as `details[0].token`; the first few. A secret in a name is
    /// not shown.
    pub fn fields_of(&self, result: &str) -> Vec<String> {
        let mut fields: Vec<String> = Vec::new();
        let seen = self.whole(result.as_bytes()).map(|found| found.start);
        let mut places: Vec<usize> = seen.take(MOST_FOUND).collect();
        // Behind the quote, so that a name counts as the place that it names.
        let disguised = self.disguised(result).map(|start| start + 1);
        places.extend(disguised.take(MOST_FOUND));
        places.sort_unstable();
        for place in places {
            let path = self.shown_path(path_at(result, place));
            let path = match path.char_indices().nth(MOST_CHARS) {
                Some((end, _)) => format!("{}…", &path[..end]),
                None => path,
            };
            if !fields.contains(&path) {
                fields.push(path);
            }
            if fields.len() == MOST_FIELDS {
                break;
            }
        }
        fields
    }

    /// Returns a path, its names as they are spelt in JSON, without secrets.
    fn shown_path(&self, path: String) -> String {
        let cleaned = self.string(&format!("\"{path}\""));
        cleaned.map_or(path, |token| token[1..token.len() - 1].to_owned())
    }
}

/// Returns the path of the value that stands at a place of a valid JSON text.
fn path_at(json: &str, place: usize) -> String {
    let bytes = json.as_bytes();
    let mut levels: Vec<Level<'_>> = Vec::new();
    let mut at = 0;
    while at < place.min(bytes.len()) {
        match bytes[at] {
            b'{' => levels.push(Level::Object {
                key: "",
                in_value: false,
            }),
            b'[' => levels.push(Level::Array { index: 0 }),
            b'}' | b']' => drop(levels.pop()),
            b',' => match levels.last_mut() {
                Some(Level::Array { index }) => *index += 1,
                Some(Level::Object { in_value, .. }) => *in_value = false,
                None => {}
            },
            b':' => {
                if let Some(Level::Object { in_value, .. }) = levels.last_mut() {
                    *in_value = true;
                }
            }
            b'"' => {
                let end = end_of_string(bytes, at);
                if let Some(Level::Object { key, in_value: false }) = levels.last_mut() {
                    *key = json.get(at + 1..end).unwrap_or_default();
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    let mut path = String::new();
    for level in &levels {
        match level {
            Level::Array { index } => path.push_str(&format!("[{index}]")),
            Level::Object { key, .. } if path.is_empty() => path.push_str(key),
            Level::Object { key, .. } => {
                path.push('.');
                path.push_str(key);
            }
        }
    }
    path
}
