//! A field that several plugins declare, and only one of them as a secret.

use super::{KEPT, field, no_file_holds, secret};
use crate::support::Sandbox;

#[test]
fn a_field_that_one_plugin_of_the_pipeline_calls_a_secret_is_shown_for_none() {
    let sandbox = Sandbox::new();
    let open = "---[config.api_token]\ntype = \"string\"\n";
    let keeps = [
        ("set_data", "printf '%s' \"$line\" >open.set; result='{}'"),
        ("process", "result='[]'"),
    ];
    sandbox.shell(
        "marks",
        "input",
        &[("process", "result='[]'")],
        &field("api_token"),
    );
    sandbox.shell("open", "input", &keeps, open);
    // A handler is told of the plugin that it serves, and writes down all that it hears.
    let hears = "printf '%s\\n' \"$line\" >told; result='[]'";
    sandbox.handler("hears", &["scanner"], hears, "");
    let more = format!("uses = [\"hears\"]\n{open}");
    sandbox.shell("served", "scanner", &[("scan", "result='[]'")], &more);
    sandbox.shell("notes", "output", &[("process_results", "result='{}'")], open);
    let token = secret("shared");
    let variables = [("OPSBOX_SET_API_TOKEN", token.as_str()), ("COLUMNS", "200")];
    let pipeline = "marks,open,served-json_out";
    for args in [
        &["plan", pipeline][..],
        &["plan", pipeline, "--json"],
        &["config", "show", pipeline],
        &["config", "show", pipeline, "--json"],
        &["config", "explain", "api_token", pipeline],
        &["config", "explain", "api_token", "--json"],
    ] {
        let seen = sandbox.opsbox_with(&variables, args).exits(0).hides(&[&token]);
        assert!(seen.stdout.matches("<secret>").count() >= 3, "{seen}");
    }
    sandbox
        .opsbox_with(&variables, &["run", pipeline, "-vv"])
        .exits(0)
        .hides(&[&token]);
    sandbox
        .opsbox(&["runs", "show", "last", "--json"])
        .exits(0)
        .hides(&[&token]);
    assert!(
        sandbox.read("work/open.set").contains(&token),
        "the plugin itself gets it"
    );
    assert!(sandbox.read("work/told").contains("\"served\""));
    no_file_holds(&sandbox.path("work"), &token, &["open.set"]);
    // Delivered and gone on with later, where the plugin that marks it is not asked.
    for args in [
        &["deliver", "last", "--to", "notes"][..],
        &["run", "--replay", "last", pipeline],
    ] {
        sandbox.opsbox_with(&variables, args).exits(0).hides(&[&token]);
    }
    no_file_holds(&sandbox.path(KEPT), &token, &[]);
    // Without the plugin that marks it, it is a field like any other.
    sandbox
        .opsbox_with(&variables, &["plan", "open-json_out"])
        .exits(0)
        .prints(&[&token]);
}
