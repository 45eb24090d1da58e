#!/bin/sh
# Starts plugin.js with the host on descriptor 3, which Node.js cannot arrange by itself: what modules print goes to standard error.
WIRE=3 exec node "$(dirname "$0")/plugin.js" "$@" 3>&1 1>&2
