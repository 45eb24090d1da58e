//! What handlers do: they run plugins of types of their own, anywhere in a pipeline, with data of providers.

use serde_json::json;

use crate::support::{Sandbox, result, step};

#[test]
fn a_plugin_of_a_type_of_its_own_is_run_by_its_handler_and_its_bytes_arrive() {
    let sandbox = Sandbox::new();
    sandbox.scanning();
    let made = result(
        "net",
        "cert",
        "[ {\"port\": 12345678901234567890, \"cost\":1.50} ]",
    );
    let scan = format!("printf '%s\\n' \"$line\" >cert.asked; result='[{made}]'");
    sandbox.shell("cert", "scanner", &[("scan", &scan)], "");
    let seen = sandbox
        .opsbox(&["run", "cert-json_out,prints", "-o", "record.json"])
        .exits(2);
    seen.says(&["plugin `prints` not found"]);
    let prints = "say \"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"method\\\":\\\"output\\\",\\\"params\\\":{\\\"text\\\":\\\"$(printf %s \"${line#*results}\" | sed 's/[\\\\\"]/./g')\\\"}}\"; result='{}'";
    sandbox.shell("prints", "output", &[("process_results", prints)], "");
    let seen = sandbox
        .opsbox(&["run", "cert-json_out,prints", "-o", "record.json"])
        .exits(0)
        .prints(&[".details.:[ {.port.: 12345678901234567890, .cost.:1.50} ]"]);
    let record = sandbox.record();
    assert_eq!(step(&record, "cert")["findings"], 1, "{seen}");
    assert_eq!(step(&record, "cert")["role"], "check", "{seen}");
    assert_eq!(step(&record, "cert")["made"], json!(["net/cert"]), "{seen}");
    assert_eq!(
        sandbox.read("work/cert.asked").trim(),
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"scan\",\"params\":{\"deep\":true}}"
    );
    sandbox.document("findings/net/cert.json");
}

#[test]
fn a_handler_is_told_of_the_plugin_and_of_the_run() {
    let sandbox = Sandbox::new();
    let process = "printf '%s\\n' \"$line\" >told; ask host/active_plugins \"$id\" ''; printf '%s\\n' \"$answer\" >active; result='[]'";
    sandbox.handler("telling", &["scanner"], process, "uses = [\"host_facts\"]");
    sandbox.provider("host_facts", "{}", "");
    let more = "uses = [\"telling\"]\n---[config.scan_port]\ntype = \"integer\"\n[config.scan_token]\ntype = \"string\"\nwriteOnly = true\n[check]\nreads = [\"a\"]\n";
    sandbox.shell("cert", "scanner", &[("scan", "result='[]'")], more);
    sandbox.input("plain", &[]);
    let args = [
        "run",
        "cert,plain-limit-json_out",
        "--set",
        "scan_port=443",
        "--set",
        "scan_token=hush-hush",
        "--set",
        "max_findings=5",
    ];
    let seen = sandbox.opsbox(&args).exits(0);
    let told: serde_json::Value = serde_json::from_str(&sandbox.read("work/told")).unwrap();
    let plugin = &told["params"]["plugin"];
    for (member, value) in [
        ("name", json!("cert")),
        ("type", json!("scanner")),
        ("uses", json!(["telling"])),
        ("hooks", json!(["scan"])),
        ("stage", json!("check")),
        ("served_by", json!("telling")),
        ("config", json!({"scan_port": 443})),
    ] {
        assert_eq!(plugin[member], value, "{member}\n{seen}");
    }
    let path = sandbox.path("plugins/cert/manifest.toml");
    assert_eq!(plugin["toml_path"], path.to_str().unwrap(), "{seen}");
    assert_eq!(plugin["extra"]["check"], json!({"reads": ["a"]}), "{seen}");
    assert_eq!(
        plugin["config_schema"]["properties"]["scan_port"]["type"], "integer",
        "{seen}"
    );
    assert_eq!(told["params"]["prior_results"], json!([]), "{seen}");
    let active: serde_json::Value = serde_json::from_str(&sandbox.read("work/active")).unwrap();
    let listed: Vec<_> = active["result"]["plugins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|plugin| json!([plugin["name"], plugin["stage"]]))
        .collect();
    let expected = [
        json!(["cert", "check"]),
        json!(["plain", "check"]),
        json!(["limit", "assistant"]),
        json!(["json_out", "output"]),
        json!(["host_facts", "provider"]),
        json!(["telling", "handler"]),
    ];
    assert_eq!(listed, expected, "{seen}");
    assert!(!sandbox.read("work/active").contains("hush"), "{seen}");
    assert!(!sandbox.read("work/told").contains("hush"), "{seen}");
}

#[test]
fn a_handled_plugin_may_stand_anywhere_and_gets_what_its_place_gets() {
    let sandbox = Sandbox::new();
    let process = "name_of; printf '%s\\n' \"$line\" >\"$name.given\"; call $name work '{}'; [ $name != last ] || result='{}'; [ -n \"$result\" ] || refused";
    sandbox.handler("working", &["worker"], process, "");
    for (name, more) in [
        ("first", ""),
        ("middle", ""),
        ("adds", "---[assistant]\nflow = \"append\"\n"),
        ("last", ""),
    ] {
        let made = result("w", name, "[{}]");
        sandbox.shell(name, "worker", &[("work", &format!("result='[{made}]'"))], more);
    }
    sandbox.input("plain", &[result("w", "plain", "[{},{}]")]);
    let args = [
        "run",
        "plain,first-middle-adds-last,json_out",
        "-o",
        "record.json",
    ];
    let seen = sandbox.opsbox(&args).exits(0);
    let given = |name: &str| {
        let line: serde_json::Value =
            serde_json::from_str(&sandbox.read(&format!("work/{name}.given"))).unwrap();
        let prior = line["params"]["prior_results"].as_array().unwrap().clone();
        prior
            .iter()
            .map(|result| result["result_name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(given("first"), [""; 0], "{seen}");
    assert_eq!(given("middle"), ["plain", "first"], "{seen}");
    assert_eq!(given("adds"), ["middle"], "{seen}");
    assert_eq!(given("last"), ["adds"], "{seen}");
    let record = sandbox.record();
    for (name, role) in [
        ("first", "check"),
        ("middle", "assistant"),
        ("adds", "assistant"),
        ("last", "output"),
    ] {
        assert_eq!(step(&record, name)["role"], role, "{seen}");
    }
    assert_eq!(step(&record, "first")["findings"], 1, "{seen}");
    sandbox.document("findings/w/adds.json");
}

#[test]
fn a_provider_is_gathered_once_however_often_a_handler_asks() {
    let sandbox = Sandbox::new();
    let process = "name_of; call facts gather_data '{}'; call facts gather_data '{}'; first=$result; call $name scan '{}'; \
                   result=\"[$first,${result#?}\"";
    sandbox.handler("scanning", &["scanner"], process, "uses = [\"facts\"]");
    sandbox.provider("facts", "{\"n\": 1e400}", "");
    let made = result("net", "cert", "[]");
    sandbox.shell(
        "cert",
        "scanner",
        &[("scan", &format!("result='[{made}]'"))],
        "uses = [\"facts\"]",
    );
    sandbox.shell("other", "scanner", &[("scan", &format!("result='[{made}]'"))], "");
    let seen = sandbox.opsbox(&["run", "cert,other-json_out"]).exits(0);
    assert_eq!(sandbox.read("work/facts.gathered"), "x\n", "{seen}");
    let made = sandbox.read("work/findings/facts/facts.json");
    assert!(made.contains("1e400"), "{made}\n{seen}");
}

#[test]
fn a_built_in_type_goes_to_a_handler_plugin_only_where_it_is_named() {
    let sandbox = Sandbox::new();
    let process =
        "name_of; call $name process '{\"data\":[]}'; echo $name >>served; [ -n \"$result\" ] || refused";
    sandbox.handler("mine", &["input", "rego"], process, "");
    sandbox.input("usual", &[]);
    sandbox.input("special", &[]);
    let manifest = sandbox.read("plugins/special/manifest.toml");
    let named = manifest.replace("[run]", "uses = [\"mine\"]\n[run]");
    sandbox.write("plugins/special/manifest.toml", &named);
    let plan = sandbox
        .opsbox(&["plan", "usual,special-json_out", "--json"])
        .exits(0);
    let steps = plan.json()["steps"].clone();
    let handlers: Vec<_> = steps
        .as_array()
        .unwrap()
        .iter()
        .map(|step| json!([step["stage"], step["plugin"], step["handler"]]))
        .collect();
    let expected = [
        json!(["check", "usual", "general"]),
        json!(["check", "special", "mine"]),
        json!(["output", "json_out", "general"]),
        json!(["handler", "mine", "general"]),
    ];
    assert_eq!(handlers, expected, "{plan}");
    sandbox
        .opsbox(&["plugins", "show", "mine"])
        .exits(0)
        .prints(&["handles", "input, rego"]);
    sandbox
        .opsbox(&["plugins", "show", "special"])
        .exits(0)
        .prints(&["run by", "handler mine"]);
    sandbox
        .opsbox(&["plugins", "show", "usual"])
        .exits(0)
        .hides(&["run by"]);
    let seen = sandbox.opsbox(&["run", "usual,special-json_out"]).exits(0);
    assert_eq!(sandbox.read("work/served"), "special\n", "{seen}");
}

#[test]
fn handlers_and_what_they_serve_need_no_room_among_the_processes() {
    let sandbox = Sandbox::new();
    sandbox.scanning();
    let names: Vec<String> = (0..14).map(|n| format!("cert{n}")).collect();
    for name in &names {
        let made = result("net", name, "[{}]");
        sandbox.shell(name, "scanner", &[("scan", &format!("result='[{made}]'"))], "");
    }
    let inputs: Vec<String> = (0..10).map(|n| format!("plain{n}")).collect();
    for name in &inputs {
        sandbox.input(name, &[]);
    }
    let pipeline = format!("{},{}-json_out", names.join(","), inputs.join(","));
    let args = [
        "run",
        &pipeline,
        "--jobs",
        "1",
        "--timeout",
        "60s",
        "-o",
        "record.json",
    ];
    let seen = sandbox.opsbox(&args).exits(0);
    for name in &names {
        assert_eq!(step(&sandbox.record(), name)["findings"], 1, "{seen}");
    }
}

#[test]
fn a_gap_of_a_called_plugin_counts_for_the_step() {
    let sandbox = Sandbox::new();
    sandbox.scanning();
    let made = result("net", "cert", "[]");
    let scan = format!("gap ports 10.0.0.7 'no route'; result='[{made}]'");
    sandbox.shell("cert", "scanner", &[("scan", &scan)], "");
    let seen = sandbox
        .opsbox(&["run", "cert-json_out", "-o", "record.json"])
        .exits(4)
        .says(&["incomplete cert: 10.0.0.7: no route"]);
    assert_eq!(step(&sandbox.record(), "cert")["status"], "incomplete", "{seen}");
}

#[test]
fn a_handler_may_call_another_handler_and_what_is_printed_belongs_to_the_step() {
    let sandbox = Sandbox::new();
    let outer = "name_of; call inner process_plugin \"{\\\"plugin\\\":{\\\"name\\\":\\\"$name\\\"},\\\"prior_results\\\":[]}\"; \
                 say '{\"jsonrpc\":\"2.0\",\"method\":\"output\",\"params\":{\"text\":\"outer was here\\n\"}}'; [ -n \"$result\" ] || refused";
    sandbox.handler("outer", &["scanner"], outer, "uses = [\"inner\"]");
    let inner = "name_of; call $name scan '{}'; [ -n \"$result\" ] || refused";
    sandbox.handler("inner", &["other"], inner, "");
    sandbox.shell("tells", "scanner", &[("scan", "result='[]'")], "");
    sandbox.input("plain", &[]);
    sandbox
        .opsbox(&["run", "plain-tells"])
        .exits(0)
        .prints(&["outer was here"]);
    sandbox
        .opsbox(&["run", "tells-json_out"])
        .exits(0)
        .hides(&["outer was here"]);
}
