//! Fields of pydantic models: asked for, refused, hidden.

use crate::support::{Sandbox, venv};

pub const NEEDS: &str = "
from core.plugins import Result
from pluggy import HookimplMarker
from pydantic import BaseModel, Field, field_validator

hookimpl = HookimplMarker('opsbox')

class Config(BaseModel):
    region: str = Field(..., description='region to look at')
    min_age: int = Field(..., description='days that count as old')
    api_token: str = Field('none', description='how to log in')

    @field_validator('region')
    def known(cls, value):
        if value == 'nowhere':
            raise ValueError('there is no such region')
        return value

class P:
    @hookimpl
    def grab_config(self):
        return Config

    @hookimpl
    def set_data(self, model):
        self.config = model

    @hookimpl
    def process(self, data):
        shown = self.config.model_dump(exclude={'api_token'})
        return [Result(relates_to='test', result_name='needs', result_description='d', details=shown, formatted='-')]
";

#[test]
fn missing_fields_of_python_and_native_plugins_are_reported_together() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.legacy("needs", "input", NEEDS);
    sandbox
        .opsbox_on(&python, &["run", "needs,files-json_out"])
        .exits(2)
        .says(&[
            "`needs`",
            "`region`",
            "region to look at",
            "`min_age`",
            "days that count as old",
            "integer",
            "`paths`",
            "`files`",
            "--set region=",
        ])
        .hides(&["findings"]);
}

#[test]
fn a_value_of_the_wrong_type_is_refused_before_anything_runs() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.legacy("needs", "input", NEEDS);
    let args = [
        "run",
        "needs-json_out",
        "--set",
        "region=eu",
        "--set",
        "min_age=old",
    ];
    sandbox
        .opsbox_on(&python, &args)
        .exits(2)
        .says(&["`min_age`", "`needs`", "integer", "old"]);
}

#[test]
fn fields_that_are_secret_by_their_name_are_never_shown() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.legacy("needs", "input", NEEDS);
    let values = [
        "--set",
        "region=eu",
        "--set",
        "min_age=3",
        "--set",
        "api_token=geheim-42",
    ];
    for command in [
        &["run", "needs-json_out", "-vv", "-o", "record.json"][..],
        &["plan", "needs-json_out"],
        &["plan", "needs-json_out", "--json"],
        &["config", "show", "needs-json_out"],
        &["config", "show", "needs-json_out", "--json"],
        &["config", "explain", "api_token", "needs-json_out"],
    ] {
        let args = [command, &values].concat();
        let seen = sandbox.opsbox_on(&python, &args).exits(0).hides(&["geheim"]);
        if command[0] != "run" {
            seen.prints(&["<secret>"]);
        }
    }
    assert!(!sandbox.read("work/record.json").contains("geheim"));
}

#[test]
fn a_secret_that_its_model_refuses_is_not_shown_either() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let source = NEEDS.replace("@field_validator('region')", "@field_validator('api_token')");
    sandbox.legacy(
        "needs",
        "input",
        &source.replace("value == 'nowhere'", "value == 'geheim-42'"),
    );
    let args = [
        "run",
        "needs-json_out",
        "-vv",
        "--set",
        "region=eu",
        "--set",
        "min_age=3",
        "--set",
        "api_token=geheim-42",
    ];
    sandbox
        .opsbox_on(&python, &args)
        .exits(2)
        .says(&["api_token", "there is no such region"])
        .hides(&["geheim-42"]);
}

/// Fields of the types that the original took plain numbers for.
const TYPED: &str = "
from datetime import time, timedelta
from typing import Optional, Tuple
from opsbox import Result
from pydantic import BaseModel

class Config(BaseModel):
    age: timedelta
    at: Optional[time] = None
    pair: Optional[Tuple[int, str]] = None

class P:
    def grab_config(self):
        return Config

    def set_data(self, model):
        self.config = model

    def process(self, data):
        shown = {'age': self.config.age.total_seconds(), 'at': str(self.config.at), 'pair': list(self.config.pair)}
        return [Result(relates_to='test', result_name='typed', result_description='d', details=shown, formatted='-')]
";

#[test]
fn durations_times_and_tuples_are_taken_as_the_original_took_them() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.legacy("typed", "input", TYPED);
    let wanted = serde_json::json!({"age": 3600.0, "at": "10:00:00+00:00", "pair": [3, "b"]});
    let found = || sandbox.json("work/findings/test/typed.json")["details"].clone();
    sandbox.write("work/c.json", r#"{"age": 3600, "at": 36000, "pair": ["3", "b"]}"#);
    sandbox
        .opsbox_on(&python, &["run", "typed-json_out", "--config", "c.json"])
        .exits(0);
    assert_eq!(found(), wanted);
    let interpreter = python.display().to_string();
    let plugins = sandbox.path("plugins").display().to_string();
    let args = ["--modules", "typed-json_out", "--plugin_dir", &plugins, "--age"];
    let with =
        |rest: &[&str]| sandbox.opsbox_with(&[("OPSBOX_PYTHON", &interpreter)], &[&args, rest].concat());
    with(&["3600", "--at", "36000", "--pair", "3", "b"]).exits(0);
    assert_eq!(found(), wanted);
    with(&["1", "hour", "--at", "36000", "--pair", "3", "b"]).exits(0);
    assert_eq!(found(), wanted);
    with(&["nonsense"])
        .exits(2)
        .says(&["`age` must be a duration such as `PT1H`"]);
}
