# Speaks the Opsbox protocol, version 1, for the `plugin.sh` that sets $hook and has `configure` and `work`. Any POSIX shell.
# There is no JSON parser here: the host promises the order jsonrpc, id, method, params, and no spaces between tokens.

exec 3>&1 1>&2 # Answers go to 3; whatever else prints goes to standard error.
LC_ALL=C

say() { printf '%s\n' "$1" >&3; }
reply() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":$1}"; }
fail() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":$1,\"message\":\"$2\"}}"; }

gap() { # what, why, section (may be left out); ends the work where the host does not know gaps
    case $features in
        *'"gap"'*) ;;
        *) [ -n "$failed" ] || fail -33008 "cannot look at $1: $2"; failed=yes; return ;;
    esac
    say "{\"jsonrpc\":\"2.0\",\"method\":\"gap\",\"params\":{\"id\":$id,\"what\":\"$1\",\"why\":\"$2\"${3:+,\"section\":\"$3\"}}}"
}

output() { # text without quotes; \n is a line end
    case $features in
        *'"output"'*) say "{\"jsonrpc\":\"2.0\",\"method\":\"output\",\"params\":{\"text\":\"$1\"}}" ;;
        *) say "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"message\":\"$1\"}}" ;;
    esac
}

result() { # name, description, details as JSON, text: makes $made
    made="{\"relates_to\":\"host\",\"result_name\":\"$1\",\"result_description\":\"$2\",\"details\":$3,\"formatted\":\"$4\"}"
}

answer() { # name of the plugin; $line, $id and $method are there
    case $method in
        initialize)
            case $line in *'"protocol":{"min":1,'*) ;; *) fail -33001 "this plugin speaks version 1 of the protocol"; return ;; esac
            features=${line#*'"features":['}
            features=${features%%]*}
            reply "{\"protocol\":1,\"plugin\":{\"name\":\"$1\",\"version\":\"0.1.0\"},\"hooks\":[\"set_data\",\"$hook\"],\"features\":[\"gap\",\"output\"],\"cancel\":\"none\"}"
            ;;
        set_data) configure "$line" && ready=yes && reply '{}' ;;
        shutdown) reply '{}' ;;
        "$hook") if [ -n "$ready" ]; then failed='' && work; else fail -33002 "set_data has not come yet"; fi ;;
        *) fail -32601 "unknown method" ;;
    esac
}

serve() { # name of the plugin
    features='' ready=''
    while IFS= read -r line; do # Ends with the file: the host is gone, or has closed it.
        case $line in '{"jsonrpc":"2.0","id":'*',"method":"'*) ;; *) continue ;; esac # Only requests are answered.
        id=${line#'{"jsonrpc":"2.0","id":'}
        id=${id%%,*}
        method=${line#*',"method":"'}
        method=${method%%'"'*}
        case ${line#*'","params":'} in '{'*) answer "$1" ;; *) fail -32602 "params is no object" ;; esac
    done
}
