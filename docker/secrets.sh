#!/bin/sh
# Draw every secret that compose.yaml names, once: what is there stays. The folder is readable by its owner alone; the
# files in it are readable by all, because a container's user is nobody on this machine.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
random() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
key() { printf 'rtr_%s_%s' "$(random 4)" "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')"; }
draw() {
    name=$1
    shift
    if [ -s "secrets/$name" ]; then return; fi
    "$@" > "secrets/$name.growing"
    chmod 0644 "secrets/$name.growing"
    mv "secrets/$name.growing" "secrets/$name"
    echo "drawn: docker/secrets/$name"
}
draw ami_secret random 24
draw database_password random 24
draw admin_key key
draw prometheus_key key
draw grafana_password random 16
