#!/bin/sh
# Provider my_plugin: gathers how busy this machine is. `wire.sh` beside it speaks the protocol.

hook=gather_data
proc=${MY_PROC:-/proc} # The tests name another folder.
with_memory=true       # As in manifest.toml.

configure() { # the line of `set_data`
    case $1 in *'"my_plugin_memory":false'*) with_memory=false ;; esac
}

load() { # adds the load to $details
    { read -r one five fifteen rest <"$proc/loadavg"; } 2>/dev/null || { gap "$proc/loadavg" "cannot be read" load; return; }
    details="$details,\"load\":{\"one\":$one,\"five\":$five,\"fifteen\":$fifteen}"
}

memory() { # adds the memory to $details
    total='' available=''
    { while read -r name value rest; do
        case $name in MemTotal:) total=$value ;; MemAvailable:) available=$value ;; esac
    done <"$proc/meminfo"; } 2>/dev/null
    case $total/$available in /* | */) gap "$proc/meminfo" "cannot be read" memory; return ;; esac
    details="$details,\"memory\":{\"total_kib\":$total,\"available_kib\":$available}"
}

work() { # What cannot be read is a gap, never an empty value.
    details=''
    load
    [ "$with_memory" = false ] || memory
    result my_plugin "how busy this machine is" "{${details#,}}" "gathered what there is"
    [ -n "$failed" ] || reply "$made"
}

. "${0%/*}/wire.sh"
serve my_plugin
