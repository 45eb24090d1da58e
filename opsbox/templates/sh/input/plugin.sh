#!/bin/sh
# Input my_plugin: finds a machine with too much work. `wire.sh` beside it speaks the protocol.

hook=process
proc=${MY_PROC:-/proc} # The tests name another folder.
max_load=4             # As in manifest.toml.

configure() { # the line of `set_data`
    case $1 in *'"my_plugin_max_load":'*) max_load=${1#*'"my_plugin_max_load":'} max_load=${max_load%%[!0-9]*} ;; esac
}

work() { # A load that cannot be read is an error, and not "nothing found".
    load=''
    { read -r one load rest <"$proc/loadavg"; } 2>/dev/null
    case $load in '' | *[!0-9.]*) fail -33008 "cannot read $proc/loadavg"; return ;; esac
    findings='' text="not busy"
    if [ "${load%%.*}" -ge "$max_load" ]; then
        text="the load over 5 minutes is $load"
        findings="{\"resource\":\"load\",\"message\":\"$text\",\"load\":$load,\"threshold\":$max_load,\"severity\":\"medium\""
        findings="$findings,\"remediation\":\"Find the busiest processes (top), or add processors.\"}"
    fi
    result my_plugin "machines with too much work" "[$findings]" "$text"
    reply "[$made]"
}

. "${0%/*}/wire.sh"
serve my_plugin
