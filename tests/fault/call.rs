//! The call that is being answered, and the answers that are in order.

use crate::wire::Wire;

/// What came, and who is to answer.
pub struct Call {
    pub fault: &'static str,
    pub role: String,
    pub more: String,
    pub wire: Wire,
    pub id: String,
    pub method: String,
    pub line: String,
}

impl Call {
    pub fn say(&self, line: &str) {
        self.wire.say(line);
    }

    pub fn reply(&self, result: &str) {
        self.reply_to(&self.id, result);
    }

    pub fn reply_to(&self, id: &str, result: &str) {
        self.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
    }

    /// Answers with an error object.
    pub fn refuse(&self, error: &str) {
        self.say(&format!(
            r#"{{"jsonrpc":"2.0","id":{},"error":{error}}}"#,
            self.id
        ));
    }

    pub fn notify(&self, method: &str, params: &str) {
        self.say(&format!(
            r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#
        ));
    }

    /// Returns the answer to `initialize`.
    pub fn hello(&self, protocol: u32, cancel: &str) -> String {
        let hook = match self.role.as_str() {
            "provider" => "gather_data",
            "assistant" => "process_input",
            "output" => "process_results",
            _ => "process",
        };
        format!(
            r#"{{"protocol":{protocol},"plugin":{{"name":"fault","version":"1"}},"hooks":["grab_config","set_data","activate","{hook}"],"features":["progress","gap","output"],"cancel":"{cancel}"}}"#
        )
    }

    /// Returns the answer of a plugin that works.
    pub fn good(&self) -> String {
        match self.method.as_str() {
            "process_results" => {
                self.notify("output", r#"{"text":"fault output saw it\n","stream":"stdout"}"#);
                "{}".into()
            }
            "process_input" => {
                let start = self.line.find("\"input\":").map_or(0, |at| at + 8);
                self.line[start..self.line.len() - 2].to_owned()
            }
            _ => self.found(r#"[{"id":"a","message":"found a","severity":"low"}]"#),
        }
    }

    /// Returns an answer with these details.
    pub fn found(&self, details: &str) -> String {
        let result = format!(
            r#"{{"relates_to":"fault","result_name":"{}","result_description":"a fault","details":{details},"formatted":"a fault"}}"#,
            self.fault
        );
        match self.role.as_str() {
            "provider" => result,
            _ => format!("[{result}]"),
        }
    }

    /// Returns what stands in the file that `more` names.
    pub fn file(&self) -> String {
        std::fs::read_to_string(&self.more).unwrap_or_else(|error| {
            eprintln!("`{}` needs a file: `{}`: {error}", self.fault, self.more);
            std::process::exit(64);
        })
    }

    /// Returns `more` as a number.
    pub fn number(&self) -> u64 {
        self.more.parse().unwrap_or_else(|_| {
            eprintln!("`{}` needs a number, not `{}`", self.fault, self.more);
            std::process::exit(64);
        })
    }
}

/// Returns the text between two others.
pub fn text_between(line: &str, before: &str, after: &str) -> Option<String> {
    let start = line.find(before)? + before.len();
    let end = line[start..].find(after)? + start;
    Some(line[start..end].to_owned())
}
