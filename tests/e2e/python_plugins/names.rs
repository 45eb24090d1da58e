//! The names that old plugins import, as far as the host has a part in them: keys for language models, and names that are not there.

use serde_json::json;

use crate::support::{Sandbox, venv};

/// An input whose details are what `AppConfig` says of language models.
const ASKER: &str = "
from core.config import AppConfig
from opsbox import Result
from pydantic import BaseModel

class Config(BaseModel):
    region: str = 'eu'

class P:
    def grab_config(self): return Config
    def set_data(self, model): self.model = model
    def process(self, data):
        details = {'model': type(AppConfig().llm).__name__, 'key': AppConfig().llm.api_key[::-1],
                   'embedding': type(AppConfig().embed_model).__name__, 'region': self.model.region}
        return Result(relates_to='test', result_name='asker', result_description='d', details=details, formatted='-')
";

/// One that has nothing to do with them, though the process is told whatever the host sends.
const OTHER: &str = "
from opsbox import AppConfig, Result

class P:
    def process(self, data):
        details = {'settings': AppConfig().module_settings}
        return Result(relates_to='test', result_name='other', result_description='d', details=details, formatted='-')
";

const MODEL: &str =
    "class OpenAI:\n    def __init__(self, model, api_key, temperature): self.api_key = api_key\n";
const EMBEDDING: &str = "class OpenAIEmbedding:\n    def __init__(self, api_key): pass\n";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.legacy("asker", "input", ASKER);
    sandbox.legacy("other", "input", OTHER);
    sandbox
}

#[test]
fn a_key_for_language_models_reaches_the_plugins_that_use_one_and_no_other() {
    let Some(python) = venv() else { return };
    let sandbox = sandbox();
    sandbox.write("plugins/asker/llama_index/llms/openai.py", MODEL);
    sandbox.write("plugins/asker/llama_index/embeddings/openai.py", EMBEDDING);
    let line = ["--modules", "asker,other-json_out", "--oai_key", "geheim-1"];
    let seen = sandbox.opsbox_on(&python, &line).exits(0);
    seen.hides(&["geheim-1"]);
    assert_eq!(
        sandbox.json("work/findings/test/asker.json")["details"],
        json!({"model": "OpenAI", "key": "1-mieheg", "embedding": "OpenAIEmbedding", "region": "eu"})
    );
    assert_eq!(
        sandbox.json("work/findings/test/other.json")["details"],
        json!({"settings": {}})
    );
    sandbox
        .opsbox_on(&python, &["--modules", "asker-json_out", "--help"])
        .exits(0)
        .prints(&["--oai_key", "--claude_key", "--region"]);
    // Nobody here uses it: it is what an old start file holds, and no mistake.
    sandbox
        .opsbox_on(&python, &["--modules", "other-json_out", "--oai_key", "geheim-1"])
        .exits(0)
        .says(&["no plugin of this pipeline uses `--oai_key"])
        .hides(&["geheim-1"]);
}

#[test]
fn without_a_key_or_without_the_package_the_error_says_what_is_missing() {
    let Some(python) = venv() else { return };
    let sandbox = sandbox();
    sandbox
        .opsbox_on(&python, &["run", "asker-json_out"])
        .exits(1)
        .says(&["needs the field `oai_key` or `claude_key`, and plugin `asker` has neither"]);
    sandbox
        .opsbox_on(
            &python,
            &["run", "asker-json_out", "--set", "claude_key=geheim-2"],
        )
        .exits(1)
        .says(&[
            "needs the package `llama_index`",
            "'llama-index-core>=0.12,<0.13'",
        ])
        .hides(&["geheim-2"]);
}

#[test]
fn the_doctor_lists_names_that_are_not_there() {
    let Some(python) = venv() else { return };
    let sandbox = sandbox();
    let source = "from opsbox.plugins import Result, Rare\nfrom core.cli import console, print_config_help\nimport opsbox.nowhere\nclass P:\n    pass\n";
    sandbox.legacy("odd", "input", source);
    let seen = sandbox
        .opsbox_on(&python, &["plugins", "doctor"])
        .exits(2)
        .prints(&[
            "plugin `odd` takes `Rare` from `opsbox.plugins`",
            "plugin `odd` takes `print_config_help` from `core.cli`",
            "it was a part of the original's own screens",
            "plugin `odd` takes `nowhere` from `opsbox`",
            "-m pip install 'opsbox<1'`",
        ]);
    assert!(
        !seen.stdout.contains("takes `Result`") && !seen.stdout.contains("`asker`"),
        "{seen}"
    );
}

#[test]
fn a_core_of_the_environments_own_is_not_shadowed() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let source = "
import core, core.things
from opsbox import Result

class P:
    def process(self, data):
        details = {'mine': core.things.VALUE, 'file': core.__file__}
        return Result(relates_to='test', result_name='owner', result_description='d', details=details, formatted='-')
";
    sandbox.legacy("owner", "input", source);
    sandbox.write("plugins/owner/core/__init__.py", "");
    sandbox.write("plugins/owner/core/things.py", "VALUE = 'own'\n");
    sandbox.opsbox_on(&python, &["run", "owner-json_out"]).exits(0);
    let details = sandbox.json("work/findings/test/owner.json")["details"].clone();
    assert_eq!(details["mine"], "own");
    assert!(
        details["file"]
            .as_str()
            .unwrap()
            .ends_with("plugins/owner/core/__init__.py"),
        "{details}"
    );
}
