//! The handlers whose names are built in here: their published classes, under other names, for plugins that name them in `uses`.

use serde_json::{Value, json};

use super::World;
use super::compatibility::{Claim, claim};
use crate::support::Server;

pub(super) const CLAIMS: &[Claim] = &[
    claim!(
        "general",
        "a provider, an input, an assistant and an output",
        "same",
        general
    ),
    claim!("rego", "an OPA server", "same", rego),
];

const PROVIDER: &str = r#"
from opsbox import Result

class P:
    def gather_data(self):
        volumes = [{"id": "vol-1", "size": 8}, {"id": "vol-2", "size": 2}]
        return Result(relates_to="ec2", result_name="estate", result_description="", formatted="",
                      details={"input": {"volumes": volumes}})
"#;

#[test]
fn general() {
    let Some(world) = World::new() else { return };
    let sandbox = &world.sandbox;
    let handles = "type = \"handler\"\n[handler]\nhandles = [\"input\", \"output\", \"assistant\"]\n";
    world.under_another_name(
        "handles",
        "general_handler.general_handler",
        "GeneralHandler",
        handles,
    );
    sandbox.legacy("estate", "provider", PROVIDER);
    let input = "
from opsbox import Result
class P:
    def process(self, data):
        names = [volume['id'] for volume in data[0].details['input']['volumes']]
        return [Result(relates_to='ec2', result_name='volumes', result_description='d', details=names and {'names': names},
                       formatted=' '.join(names))]
";
    sandbox.legacy_with("volumes", "input", "uses = [\"handles\", \"estate\"]", input);
    let assistant = "
class P:
    def proccess_input(self, input):
        return [each.model_copy(update={'formatted': each.formatted.upper()}) for each in input]
";
    sandbox.legacy_with("louder", "assistant", "uses = [\"handles\"]", assistant);
    let output = "
class P:
    def proccess_results(self, results):
        for each in results:
            print(each.result_name, each.details, each.formatted)
";
    sandbox.legacy_with("shows", "output", "uses = [\"handles\"]", output);
    let seen = world.run("volumes-louder-shows", &json!({})).exits(0);
    assert_eq!(
        seen.stdout, "volumes {'names': ['vol-1', 'vol-2']} VOL-1 VOL-2\n",
        "{seen}"
    );
}

#[test]
fn rego() {
    let Some(world) = World::new() else { return };
    let sandbox = &world.sandbox;
    let server = Server::start(sandbox, "services.py", &[]);
    let handles = "type = \"handler\"\n[handler]\nhandles = [\"rego\"]\n";
    world.under_another_name("handles", "rego_handler.rego_handler", "RegoHandler", handles);
    sandbox.legacy("estate", "provider", PROVIDER);
    let check = "
from pydantic import BaseModel
class Settings(BaseModel):
    least: int = 1
class P:
    def grab_config(self):
        return Settings
    def set_data(self, model):
        self.model = model
    def inject_data(self, data):
        data.details['input']['least'] = self.model.least
        return data
    def report_findings(self, data):
        data.formatted = ', '.join(volume['id'] for volume in data.details)
        return data
";
    let rego = "uses = [\"handles\", \"estate\"]\n[rego]\nrego_file = \"large.rego\"\ndescription = \"Large volumes\"";
    sandbox.legacy_with("large", "rego", rego, check);
    let policy = "package ops.large\n\ndetails := [v | some v in input.volumes; v.size >= input.least]\n";
    sandbox.write("plugins/large/large.rego", policy);
    let settings = json!({"opa_url": server.url("opa/"), "least": 5});
    world.run("large-json_out", &settings).exits(0);
    assert_eq!(
        sandbox.json("work/findings/large/large.json"),
        json!({"relates_to": "large", "result_name": "large", "result_description": "Large volumes",
            "details": [{"id": "vol-1", "size": 8}], "formatted": "vol-1"})
    );
    let asked = server.asked("opa");
    let calls: Vec<(&str, &str)> = asked
        .iter()
        .map(|request| {
            let text = |key: &str| request[key].as_str().unwrap();
            (text("method"), text("path"))
        })
        .collect();
    assert_eq!(
        calls,
        [
            ("GET", "/"),
            ("PUT", "/v1/policies/ops/large"),
            ("POST", "/v1/data/ops/large"),
            ("DELETE", "/v1/policies/ops/large")
        ]
    );
    assert_eq!(asked[1]["body"], Value::from(policy));
}
