//! Handler my_plugin: runs plugins of the type my_plugin_type, whose hook `look` answers findings.

mod wire;

use serde_json::{json, Value};
use wire::{Answer, Call, Failed};

/// Answers the Results of the plugin that the host names.
fn process_plugin(call: &Call) -> Answer {
    let plugin: Value = serde_json::from_str(call.param("plugin")?.get())?;
    let name = plugin["name"].as_str().unwrap_or_default();
    let answer: Value = serde_json::from_str(&call.call_hook(name, "look", &json!({}))?)?;
    let Some(found) = answer.as_array() else {
        return Err(Failed::new(format!(
            "`look` of `{name}` answered no list of findings"
        )));
    };
    let formatted = format!("findings: {}", found.len());
    let result = wire::result(
        "my_plugin",
        name,
        &format!("what {name} found"),
        &answer,
        &formatted,
    );
    Ok(json!([result]).to_string())
}

/// Answers the findings of my_plugin_example, a plugin for this handler to run.
fn look(_call: &Call) -> Answer {
    let finding =
        json!({"resource": "example", "message": "the handler has asked", "severity": "info"});
    Ok(json!([finding]).to_string())
}

fn main() -> std::io::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("example") {
        wire::serve("my_plugin_example", &[("look", look)])
    } else {
        wire::serve("my_plugin", &[("process_plugin", process_plugin)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle(answer: &str) -> (Answer, String) {
        let params = r#"{"plugin":{"name":"certificates"},"prior_results":[]}"#;
        let (call, said) = wire::testing::call(params, json!({}), answer);
        (process_plugin(&call), said.text())
    }

    #[test]
    fn findings_become_a_result_of_the_plugin() {
        let (answer, said) = handle(r#"[{"resource":"a"}]"#);
        let results: Value = serde_json::from_str(&answer.unwrap()).unwrap();
        assert_eq!(results[0]["result_name"], "certificates");
        assert_eq!(results[0]["details"], json!([{"resource": "a"}]));
        assert!(
            said.contains("\"method\":\"host/call_hook\",\"params\":{\"id\":1,"),
            "{said}"
        );
    }

    #[test]
    fn an_answer_that_is_no_list_is_an_error_that_names_the_plugin() {
        let error = handle("{}").0.unwrap_err();
        assert!(error.message.contains("certificates"), "{}", error.message);
    }
}
