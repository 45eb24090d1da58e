#!/bin/sh
# Tests of plugin.sh: `sh test.sh`.

cd "${0%/*}" 2>/dev/null || cd .
folder=$(mktemp -d) || exit 1
trap 'rm -r "$folder"' EXIT
failures=0

ask() { # configuration: prints what the plugin says to a whole life, in a folder for /proc
    printf '%s\n' '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":{"min":1,"max":1},"features":["gap"]}}' \
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"set_data\",\"params\":{\"config\":$1}}" \
        '{"jsonrpc":"2.0","id":3,"method":"process","params":{"data":[]}}' | MY_PROC=$folder sh ./plugin.sh
}

expect() { # what it is about, answers, what must be there, what must not
    case $2 in *"$3"*) ;; *) echo "failed: $1: no $3 in: $2"; failures=1; return ;; esac
    case $2 in *"$4"*) echo "failed: $1: $4 in: $2"; failures=1; return ;; esac
    echo "ok: $1"
}

expect "a load that cannot be read is an error" "$(ask '{}')" '"code":-33008' '"details"'
echo '9.00 3.99 9.00 1/234 5678' >"$folder/loadavg"
expect "a load below the bound is clean" "$(ask '{}')" '"details":[],' '"error"'
expect "the bound can be set" "$(ask '{"my_plugin_max_load":3}')" '"load":3.99,"threshold":3,' '"error"'
echo '0.00 4.00 0.00 1/234 5678' >"$folder/loadavg"
expect "the bound itself is a finding" "$(ask '{}')" '"load":4.00,"threshold":4,' '"error"'
exit $failures
