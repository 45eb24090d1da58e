//! Data to try a plugin with: configuration made from its schema, Results made for its type, or what the author's own file says.

mod fill;

use std::path::Path;

use opsbox_protocol::{Hook, ResultView};
use serde_json::{Value, json};

use crate::bounded::{MOST_DATA, read_given};
use crate::error::Fault;
use crate::manifest::{Kind, Manifest};

pub(crate) use fill::{fill, fits};

/// What no generated Result may lose on its way through an assistant: a number beyond 2^53, and a member that nobody knows.
pub(crate) const GREAT_NUMBER: &str = "12345678901234567890";
/// The member that nobody knows.
pub(crate) const UNKNOWN_MEMBER: &str = "x_conformance";

/// A hook call that makes the plugin do its work.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Work {
    /// The method.
    pub(crate) hook: String,
    /// The parameters' JSON text, an object.
    pub(crate) params: String,
    /// The Results among the parameters, each as its JSON text.
    pub(crate) results: Vec<String>,
    /// The key under which they stand; empty where there are none.
    pub(crate) key: &'static str,
}

/// What `--sample` names, read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sample {
    /// Results, each as its JSON text.
    Results(Vec<String>),
    /// A hook with its parameters' JSON text.
    Call(String, String),
}

impl Sample {
    /// Reads the file: a Result, a list of Results, or `{"hook":…,"params":{…}}`.
    ///
    /// # Errors
    /// What is wrong with it, and what it may hold.
    pub(crate) fn read(path: &Path) -> Result<Self, Fault> {
        let shown = path.display();
        let text = read_given(path, MOST_DATA)
            .map_err(|why| Fault::new(format!("cannot read the sample `{shown}`: {why}")))?;
        let bad = |why: String| {
            Fault::new(format!("the sample `{shown}` {why}"))
                .hint("it holds a Result, a list of Results, or an object with `hook` and `params`")
        };
        let value: Value =
            serde_json::from_str(&text).map_err(|error| bad(format!("is not JSON: {error}")))?;
        if let Some(hook) = value.get("hook").and_then(Value::as_str) {
            let params = value.get("params").cloned().unwrap_or_else(|| json!({}));
            if !params.is_object() {
                return Err(bad("has `params` that are no object".into()));
            }
            return Ok(Self::Call(hook.to_owned(), params.to_string()));
        }
        let items = match value {
            Value::Array(items) => items,
            other => vec![other],
        };
        let texts: Vec<String> = items.iter().map(Value::to_string).collect();
        for (index, text) in texts.iter().enumerate() {
            ResultView::parse(text).map_err(|why| bad(format!("is no Result at place {index}: {why}")))?;
        }
        Ok(Self::Results(texts))
    }
}

/// Returns the calls that make a plugin of this manifest do its work, of the hooks that it lists; none where nobody can know them.
pub(crate) fn works(manifest: &Manifest, hooks: &[String], sample: Option<&Sample>) -> Vec<Work> {
    if let Some(Sample::Call(hook, params)) = sample {
        return vec![Work {
            hook: hook.clone(),
            params: params.clone(),
            results: Vec::new(),
            key: "",
        }];
    }
    let own = match sample {
        Some(Sample::Results(results)) => Some(results.clone()),
        _ => None,
    };
    let list = |hook: Hook, key: &'static str, results: Vec<String>| Work {
        hook: hook.method().to_owned(),
        params: format!("{{\"{key}\":[{}]}}", results.join(",")),
        results,
        key,
    };
    let one = |hook: Hook, result: String| Work {
        hook: hook.method().to_owned(),
        params: format!("{{\"data\":{result}}}"),
        results: vec![result],
        key: "data",
    };
    let all = match &manifest.kind {
        Kind::Provider => vec![Work {
            hook: Hook::GatherData.method().into(),
            params: "{}".into(),
            results: Vec::new(),
            key: "",
        }],
        Kind::Input => vec![list(
            Hook::Process,
            "data",
            own.unwrap_or_else(|| provided(manifest)),
        )],
        Kind::Rego => {
            let first = own.as_ref().and_then(|own| own.first().cloned());
            let given = first.clone().unwrap_or_else(|| data_of("host"));
            let found = first.unwrap_or_else(|| finding_of("host", &manifest.name));
            vec![one(Hook::InjectData, given), one(Hook::ReportFindings, found)]
        }
        Kind::Assistant => vec![list(Hook::ProcessInput, "input", own.unwrap_or_else(results))],
        Kind::Output => vec![list(Hook::ProcessResults, "results", own.unwrap_or_else(results))],
        Kind::Handler => vec![handled(manifest, own.unwrap_or_default())],
        Kind::Other(_) => Vec::new(),
    };
    all.into_iter()
        .filter(|work| hooks.contains(&work.hook))
        .collect()
}

fn provided(manifest: &Manifest) -> Vec<String> {
    let providers = manifest
        .uses
        .iter()
        .filter(|name| !["general", "rego"].contains(&name.as_str()));
    providers.map(|name| data_of(name)).collect()
}

fn data_of(provider: &str) -> String {
    let name = Value::from(provider);
    format!(
        "{{\"relates_to\":{name},\"result_name\":{name},\"result_description\":\"sample data\",\
         \"details\":{{\"items\":[{{\"name\":\"a\",\"size\":1}}]}},\"formatted\":\"1 item\"}}"
    )
}

fn finding_of(about: &str, name: &str) -> String {
    let (about, name) = (Value::from(about), Value::from(name));
    format!(
        "{{\"relates_to\":{about},\"result_name\":{name},\"result_description\":\"sample findings\",\
         \"details\":[{{\"resource\":\"a\",\"severity\":\"low\",\"message\":\"a sample\"}}],\"formatted\":\"a: a sample\"}}"
    )
}

/// Returns Results as they may come: a list of findings, an empty one, a report with sections; with what must not be lost.
fn results() -> Vec<String> {
    vec![
        format!(
            "{{\"relates_to\":\"ec2\",\"result_name\":\"stray_volumes\",\"result_description\":\"volumes that nothing uses\",\
             \"details\":[{{\"resource\":\"vol-0a1\",\"bytes\":{GREAT_NUMBER},\"share\":1.50,\"severity\":\"high\"}},\
             {{\"resource\":\"vol-0a2 – é\",\"severity\":\"low\"}}],\"formatted\":\"vol-0a1\\nvol-0a2\",\"{UNKNOWN_MEMBER}\":\"kept\"}}"
        ),
        "{\"relates_to\":\"host\",\"result_name\":\"zombies\",\"result_description\":\"processes that nobody waits for\",\
         \"details\":[],\"formatted\":\"\"}"
            .to_owned(),
        "{\"relates_to\":\"host\",\"result_name\":\"users\",\"result_description\":\"accounts\",\
         \"details\":{\"old\":[{\"resource\":\"bob\",\"severity\":\"medium\"}],\"new\":[]},\"formatted\":\"bob\"}"
            .to_owned(),
    ]
}

/// Returns Results whose texts want to be file names and commands of a terminal; `absolute` is a path that does not exist.
pub(crate) fn hostile_results(absolute: &str) -> Vec<String> {
    let texts = [
        ("../../../conformance_above", "above"),
        ("here", "../../../../conformance_below"),
        (absolute, "absolute"),
        ("with/a/slash", "x\u{1b}[31mred\u{1b}]0;title\u{7}\nline"),
        ("..", "."),
    ];
    let result = |(about, name): &(&str, &str)| {
        json!({
            "relates_to": about, "result_name": name, "result_description": "\u{1b}[2Jcleared",
            "details": [{"resource": "\u{1b}[31mred", "message": "\u{9b}31mred\rover", "severity": "high"}],
            "formatted": "\u{1b}[31mred\u{1b}[0m",
        })
        .to_string()
    };
    texts.iter().map(result).collect()
}

/// Returns a Result that nests as deep as it may in an answer that is a list.
pub(crate) fn deep_result() -> String {
    // The envelope, the list and the Result are three levels, `details` with its list of objects the next.
    let levels = opsbox_protocol::limits::DEPTH as usize - 5;
    format!(
        "{{\"relates_to\":\"deep\",\"result_name\":\"deep\",\"result_description\":\"as deep as it may be\",\
         \"details\":[{{\"deep\":{}{}}}],\"formatted\":\"\"}}",
        "[".repeat(levels),
        "]".repeat(levels)
    )
}

fn handled(manifest: &Manifest, prior: Vec<String>) -> Work {
    let facts = served(manifest);
    Work {
        hook: Hook::ProcessPlugin.method().into(),
        params: format!("{{\"plugin\":{facts},\"prior_results\":[{}]}}", prior.join(",")),
        results: prior,
        key: "prior_results",
    }
}

/// Returns the facts of a plugin that a handler of this manifest serves.
pub(crate) fn served(manifest: &Manifest) -> Value {
    let kind = manifest.handles.first().map_or("input", String::as_str);
    json!({
        "name": "sample_plugin", "type": kind, "uses": [manifest.name], "hooks": ["process", "scan", "*"], "stage": "check",
        "served_by": manifest.name, "toml_path": "/nowhere/sample_plugin/manifest.toml", "config": {},
        "extra": {"run": {"command": ["sample_plugin"]}},
    })
}

/// Returns what the host answers a handler that calls a hook of the sample plugin.
pub(crate) fn served_answer() -> String {
    format!("[{}]", finding_of("sample", "sample_plugin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deep_result_is_as_deep_as_an_answer_may_be() {
        let mut scan = opsbox_protocol::scan::LineScan::default();
        scan.feed(format!("{{\"result\":[{}]}}", deep_result()).as_bytes());
        assert_eq!(scan.max_depth(), opsbox_protocol::limits::DEPTH);
        ResultView::parse(&deep_result()).unwrap();
    }
}
