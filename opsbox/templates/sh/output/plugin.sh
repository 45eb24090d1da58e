#!/bin/sh
# Output my_plugin: writes all Results into one JSON file. `wire.sh` beside it speaks the protocol.

hook=process_results
file=my_plugin.json # As in manifest.toml.

configure() { # the line of `set_data`
    case $1 in *'"my_plugin_file":"'*) ;; *) return ;; esac
    wanted=${1#*'"my_plugin_file":"'}
    wanted=${wanted%%'"'*}
    case $wanted in
        '' | *\\*) fail -33006 "my_plugin_file is empty, or has quotes, backslashes or control characters"; return 1 ;;
        -*) file=./$wanted ;;
        *) file=$wanted ;;
    esac
}

work() { # Delivers the Results under a temporary name and renames it, so that nobody sees half of the file.
    results=${line#*'"params":{"results":'}
    results=${results%\}\}}
    if { printf '%s\n' "$results" >"$file.$$.tmp" && mv "$file.$$.tmp" "$file"; } 2>/dev/null; then
        output "results in $file\\n"
        reply '{}'
    else
        rm -f "$file.$$.tmp"
        fail -33008 "cannot write $file"
    fi
}

. "${0%/*}/wire.sh"
serve my_plugin
