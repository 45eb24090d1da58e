#!/bin/sh
# Tests of plugin.sh: `sh test.sh`.

cd "${0%/*}" 2>/dev/null || cd .
folder=$(mktemp -d) || exit 1
trap 'rm -r "$folder"' EXIT
failures=0

ask() { # configuration, features: prints what the plugin says to a whole life, in a folder for /proc
    printf '%s\n' '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":{"min":1,"max":1},"features":['"$2"']}}' \
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"set_data\",\"params\":{\"config\":$1}}" \
        '{"jsonrpc":"2.0","id":3,"method":"gather_data","params":{}}' | MY_PROC=$folder sh ./plugin.sh
}

expect() { # what it is about, answers, what must be there, what must not
    case $2 in *"$3"*) ;; *) echo "failed: $1: no $3 in: $2"; failures=1; return ;; esac
    case $2 in *"$4"*) echo "failed: $1: $4 in: $2"; failures=1; return ;; esac
    echo "ok: $1"
}

echo '0.52 1.04 2.08 1/234 5678' >"$folder/loadavg"
expect "what cannot be read is a gap and not in the data" "$(ask '{}' '"gap"')" '"section":"memory"' '"memory":{'
expect "a host without gaps gets an error" "$(ask '{}')" '"code":-33008' '"id":3,"result"'
expect "memory can be left out" "$(ask '{"my_plugin_memory":false}')" '"fifteen":2.08}}' '"method":"gap"'
printf '%s\n' 'MemTotal: 16000 kB' 'MemFree: 100 kB' 'MemAvailable: 4000 kB' >"$folder/meminfo"
expect "load and memory are gathered" "$(ask '{}')" \
    '{"load":{"one":0.52,"five":1.04,"fifteen":2.08},"memory":{"total_kib":16000,"available_kib":4000}}' '"method":"gap"'
exit $failures
