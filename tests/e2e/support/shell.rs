//! Plugins in a few lines of shell, and Rego checks of a manifest and a policy.

use super::Sandbox;

/// The loop of every shell plugin: `HOOKS` and `CASES` are filled in. A case sets `result`, or says something itself.
const LOOP: &str = r#"#!/bin/sh
exec 3>&1 1>&2
say() { printf '%s\n' "$1" >&3; }
gap() { say "{\"jsonrpc\":\"2.0\",\"method\":\"gap\",\"params\":{\"id\":$id,\"section\":\"$1\",\"what\":\"$2\",\"why\":\"$3\"}}"; }
fail() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-33008,\"message\":\"$1\"}}"; }
name_of() { rest=${line#*'"plugin":{"name":"'}; name=${rest%%'"'*}; }
ask() {
    asked=$((asked + 1))
    say "{\"jsonrpc\":\"2.0\",\"id\":\"h$asked\",\"method\":\"$1\",\"params\":{\"id\":$2$3}}"
    while IFS= read -r answer; do
        case $answer in '{"jsonrpc":"2.0","id":"h'*) break ;; esac
    done
}
call() {
    ask host/call_hook "$id" ",\"plugin\":\"$1\",\"hook\":\"$2\",\"params\":$3"
    result=
    case $answer in *'"result":'*) result=${answer#*'"result":'} result=${result%?} ;; esac
}
refused() { fail "$(printf %s "$answer" | sed 's/.*"message":"\([^"]*\)".*/\1/')"; }
while IFS= read -r line; do
    case $line in '{"jsonrpc":"2.0","id":'*',"method":"'*) ;; *) continue ;; esac
    id=${line#'{"jsonrpc":"2.0","id":'}
    id=${id%%,*}
    method=${line#*',"method":"'}
    method=${method%%'"'*}
    result=
    case $method in
        initialize) result='{"protocol":1,"plugin":{"name":"shell","version":"1"},"hooks":[HOOKS],"features":["gap"],"cancel":"none"}' ;;
CASES
        set_data | activate | shutdown) result='{}' ;;
        *) fail "unknown method" ;;
    esac
    [ -z "$result" ] || say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":$result}"
done
"#;

/// Returns the JSON text of a Result.
pub fn result(relates_to: &str, name: &str, details: &str) -> String {
    let [relates_to, name] = [relates_to, name].map(serde_json::Value::from);
    format!(
        "{{\"relates_to\":{relates_to},\"result_name\":{name},\"result_description\":\"\",\"details\":{details},\"formatted\":\"\"}}"
    )
}

impl Sandbox {
    /// Writes `plugin.sh` beside a plugin's manifest: for each hook, the shell commands that set `result`.
    pub fn shell_plugin(&self, plugin: &str, hooks: &[(&str, &str)]) {
        let names: Vec<_> = hooks.iter().map(|(hook, _)| format!("\"{hook}\"")).collect();
        let cases: Vec<_> = hooks
            .iter()
            .map(|(hook, commands)| format!("        {hook}) {commands} ;;"))
            .collect();
        let text = LOOP
            .replace("HOOKS", &names.join(","))
            .replace("CASES", &cases.join("\n"));
        self.write(&format!("plugins/{plugin}/plugin.sh"), &text);
    }

    /// Adds a plugin in shell. `more` as for [`Sandbox::command`].
    pub fn shell(&self, name: &str, kind: &str, hooks: &[(&str, &str)], more: &str) {
        self.command(name, kind, &["sh", "./plugin.sh"], more);
        self.shell_plugin(name, hooks);
    }

    /// Adds a provider of these details, which notes every gathering in `work/NAME.gathered`. `first` runs before it answers.
    pub fn provider(&self, name: &str, details: &str, first: &str) {
        let answer = result(name, name, details);
        self.write(&format!("plugins/{name}/answer.json"), &answer);
        let gather =
            format!("{first}\necho x >>{name}.gathered; result=$(cat \"$OPSBOX_PLUGIN_HOME/answer.json\")");
        self.shell(name, "provider", &[("gather_data", &gather)], "");
    }

    /// Adds an input that returns these Results, JSON texts.
    pub fn input(&self, name: &str, results: &[String]) {
        self.write(
            &format!("plugins/{name}/answer.json"),
            &format!("[{}]", results.join(",")),
        );
        let process = "result=$(cat \"$OPSBOX_PLUGIN_HOME/answer.json\")";
        self.shell(name, "input", &[("process", process)], "");
    }

    /// Adds a Rego check of a manifest and a policy. `rego` goes to `[rego]`, what stands after `---` to tables of its own.
    pub fn rego(&self, name: &str, provider: &str, policy: &str, rego: &str) {
        let (rego, tables) = rego.split_once("---").unwrap_or((rego, ""));
        self.write(
            &format!("plugins/{name}/manifest.toml"),
            &format!(
                "[info]\nname = \"{name}\"\ntype = \"rego\"\nuses = [\"{provider}\", \"rego\"]\n\
                 [rego]\nrego_file = \"{name}.rego\"\ndescription = \"what {name} finds\"\n{rego}\n{tables}"
            ),
        );
        self.write(&format!("plugins/{name}/{name}.rego"), policy);
    }

    /// Returns a JSON file below the folder of the runs.
    #[track_caller]
    pub fn document(&self, relative: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(&format!("work/{relative}"))).unwrap()
    }
}
