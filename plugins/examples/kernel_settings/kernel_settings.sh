#!/bin/sh
# Input: kernel settings under /proc/sys that are weaker than they should be. Any POSIX shell, no other program.
# There is no JSON parser here: the host promises the order jsonrpc, id, method, params and no spaces between tokens.

exec 3>&1 1>&2 # Answers go to 3; whatever else prints goes to stderr.
LC_ALL=C
may_forward=true ready=

say() { printf '%s\n' "$1" >&3; }
reply() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":$1}"; }
fail() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":$1,\"message\":\"$2\"}}"; }
gap() { # setting, reason
    say "{\"jsonrpc\":\"2.0\",\"method\":\"gap\",\"params\":{\"id\":$id,\"what\":\"$1\",\"why\":\"$2\"}}"
}

check() { # setting, "is" or "min", wanted number, severity, reason: adds to $findings and $text
    name=$1 op=$2 wanted=$3 severity=$4 why=$5
    file=/proc/sys rest=$name
    while [ -n "$rest" ]; do
        file=$file/${rest%%.*}
        case $rest in *.*) rest=${rest#*.} ;; *) rest= ;; esac
    done
    [ -e "$file" ] || return 0 # This kernel does not have it.
    value=
    # The group keeps the shell's own complaint about an unreadable file out of the log; the gap says it.
    { read -r value <"$file"; } 2>/dev/null
    case $value in
        '' | *[!0-9]* | ??????????*) gap "$name" "not readable as a number"; return 0 ;;
    esac
    if [ "$op" = is ]; then
        [ "$value" -ne "$wanted" ] || return 0
    else
        [ "$value" -lt "$wanted" ] || return 0
    fi
    findings="$findings,{\"setting\":\"$name\",\"value\":$value,\"wanted\":$wanted,\"severity\":\"$severity\""
    findings="$findings,\"why\":\"$why\",\"remediation\":\"sysctl -w $name=$wanted\"}"
    text="$text\\n- $name is $value, should be $wanted: $why"
}

process() {
    findings='' text=''
    while IFS='|' read -r name op wanted severity why; do
        [ "$name" = net.ipv4.ip_forward ] && [ "$may_forward" = true ] && continue
        check "$name" "$op" "$wanted" "$severity" "$why"
    done <<'END'
kernel.randomize_va_space|min|2|high|addresses of programs can be guessed
fs.protected_symlinks|min|1|high|links in shared folders can redirect other users' files
fs.protected_hardlinks|min|1|medium|users can link to files they cannot write
fs.suid_dumpable|is|0|medium|memory of privileged programs can end up in core dumps
kernel.kptr_restrict|min|1|medium|kernel addresses are shown to every user
kernel.dmesg_restrict|min|1|low|the kernel's log is shown to every user
kernel.yama.ptrace_scope|min|1|medium|a program can read the memory of the user's other programs
net.ipv4.tcp_syncookies|min|1|medium|a flood of half-open connections can stop the service
net.ipv4.conf.all.accept_redirects|is|0|medium|a neighbor can change this machine's routes
net.ipv4.conf.all.accept_source_route|is|0|medium|a sender can choose the route of its packets
net.ipv4.ip_forward|is|0|low|packets are forwarded between networks
END
    [ -n "$text" ] || text='\nall as they should be'
    result='{"relates_to":"host","result_name":"kernel_settings","result_description":"weak kernel settings"'
    reply "[$result,\"details\":[${findings#,}],\"formatted\":\"${text#\\n}\"}]"
}

while IFS= read -r line; do # Ends with the file: the host is gone, or has closed it.
    case $line in '{"jsonrpc":"2.0","id":'*',"method":"'*) ;; *) continue ;; esac # Only requests are answered.
    id=${line#'{"jsonrpc":"2.0","id":'}
    id=${id%%,*}
    method=${line#*',"method":"'}
    method=${method%%'"'*}
    case ${line#*'","params":'} in '{'*) ;; *) fail -32602 "params is no object"; continue ;; esac
    case $method in
        initialize) reply '{"protocol":1,"plugin":{"name":"kernel_settings","version":"1.0.0"},"hooks":["grab_config","set_data","process"],"features":["gap"],"cancel":"none"}' ;;
        grab_config) reply '{"type":"object","properties":{"may_forward":{"type":"boolean","default":true,"description":"this machine may forward packets (a router, a host of containers)"}}}' ;;
        set_data) case $line in *'"may_forward":false'*) may_forward=false ;; esac; ready=yes; reply '{}' ;;
        process) if [ -z "$ready" ]; then fail -33002 "not configured yet"; elif [ -d /proc/sys/kernel ]; then process; else fail -33008 "there is no /proc/sys here"; fi ;;
        shutdown) reply '{}' ;;
        *) fail -32601 "unknown method" ;;
    esac
done
