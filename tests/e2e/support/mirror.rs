//! A plugin in shell that shows what the host does with it: every call, its configuration, its environment.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::Sandbox;

/// It keeps its notes in `notes/NAME` of the sandbox. With a file `schema.json` beside its manifest it answers `grab_config`
/// with it; with a file `leak` there it shouts its field `api_token` everywhere. Nothing but the shell itself is needed.
const SCRIPT: &str = r#"#!/bin/sh
home=$OPSBOX_PLUGIN_HOME
notes=$home/../../notes/${home##*/}
echo started >>"$notes/starts"
export -p >"$notes/environment"
params='{}'
hooks='"set_data","activate","gather_data","process","process_input","process_results"'
[ -f "$home/schema.json" ] && hooks='"grab_config",'$hooks
while IFS= read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  method=${line#*\"method\":\"}; method=${method%%\"*}
  echo "$method" >>"$notes/calls"
  result='{}'
  one='{"relates_to":"mirror","result_name":"mirror","result_description":"what it was told","details":'$params',"formatted":""}'
  case $method in
    initialize) result='{"protocol":1,"plugin":{"name":"mirror","version":"1"},"hooks":['$hooks'],"features":[],"cancel":"none"}' ;;
    grab_config) IFS= read -r result <"$home/schema.json" ;;
    set_data) params=${line#*\"params\":}; params=${params%\}}; printf '%s\n' "$params" >"$notes/set_data.json" ;;
    gather_data) result=$one ;;
    process|process_input) result=[$one] ;;
  esac
  if [ -f "$home/leak" ] && [ "$method" = process ]; then
    token=${params#*\"api_token\":\"}; token=${token%%\"*}
    echo "stderr: the token is $token" >&2
    printf '{"jsonrpc":"2.0","method":"log","params":{"level":"warn","message":"log: the token is %s"}}\n' "$token"
    printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-33008,"message":"login with %s was refused","data":{"hint":"is %s right?"}}}\n' "$id" "$token" "$token"
    continue
  fi
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
  [ "$method" = shutdown ] && exit 0
done
"#;

impl Sandbox {
    /// Adds a mirror. `more` is as for [`Sandbox::command`]; `[run]` comes last in it, so it may begin with keys of that table.
    pub fn mirror(&self, name: &str, kind: &str, more: &str) {
        self.command(name, kind, &["mirror.sh"], more);
        self.script(&format!("plugins/{name}/mirror.sh"), SCRIPT);
        fs::create_dir_all(self.path(&format!("notes/{name}"))).unwrap();
    }

    /// Writes an executable file.
    pub fn script(&self, relative: &str, text: &str) {
        let path = self.write(relative, text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Returns the configuration that a mirror was sent, and `None` where it was sent none.
    pub fn configured(&self, name: &str) -> Option<Value> {
        let text = fs::read_to_string(self.path(&format!("notes/{name}/set_data.json"))).ok()?;
        let params: Value = serde_json::from_str(&text).unwrap();
        Some(params["config"].clone())
    }

    /// Returns the methods that were called on a mirror, in order, over all its starts.
    pub fn calls(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(&format!("notes/{name}/calls"))).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Returns how often a mirror was started.
    pub fn starts(&self, name: &str) -> usize {
        let text = fs::read_to_string(self.path(&format!("notes/{name}/starts"))).unwrap_or_default();
        text.lines().count()
    }
}
