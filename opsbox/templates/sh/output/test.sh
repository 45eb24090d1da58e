#!/bin/sh
# Tests of plugin.sh: `sh test.sh`.

cd "${0%/*}" 2>/dev/null || cd .
folder=$(mktemp -d) || exit 1
trap 'rm -r "$folder"' EXIT
failures=0
results='[{"result_name":"a","details":[{"bytes":12345678901234567890}]},{"result_name":"b","details":[]}]'

ask() { # file: prints what the plugin says to a whole life
    printf '%s\n' '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":{"min":1,"max":1},"features":["output"]}}' \
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"set_data\",\"params\":{\"config\":{\"my_plugin_file\":\"$1\"}}}" \
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"process_results\",\"params\":{\"results\":$results}}" | sh ./plugin.sh
}

expect() { # what it is about, answers, what must be there, what must not
    case $2 in *"$3"*) ;; *) echo "failed: $1: no $3 in: $2"; failures=1; return ;; esac
    case $2 in *"$4"*) echo "failed: $1: $4 in: $2"; failures=1; return ;; esac
    echo "ok: $1"
}

expect "what was delivered is said" "$(ask "$folder/all.json")" "results in $folder/all.json" '"error"'
expect "every result is in the file, every digit of it" "$(cat "$folder/all.json")" "$results" 'tmp'
expect "a folder that is not there is an error" "$(ask "$folder/gone/all.json")" '"code":-33008' '"id":3,"result"'
expect "a name that cannot be read is refused" "$(ask 'a\\tb')" '"code":-33006' '"id":2,"result"'
exit $failures
