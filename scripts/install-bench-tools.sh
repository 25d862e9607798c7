#!/bin/sh
# Installs what `npm run bench:proxy` compares with and measures by, on Debian and its kin, as root: the packaged
# nginx, haproxy and caddy, and the load tools. Does nothing when all are there.
set -eu

missing=
need() { # command package
  PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need nginx nginx
need haproxy haproxy
need caddy caddy
need wrk wrk
need hey hey
need h2load nghttp2-client
need curl curl
need taskset util-linux

[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
  echo "install-bench-tools: no apt-get here; install by hand:$missing" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "install-bench-tools: needs root to install:$missing" >&2
  exit 1
fi

# The packages of servers start them at once, on port 80. Nobody asked for that: policy-rc.d (invoke-rc.d(8)) says no
# for as long as this script runs.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
fi

export DEBIAN_FRONTEND=noninteractive
# A machine that never ran update knows no candidates.
apt-cache show wrk >/dev/null 2>&1 || apt-get update -qq
# shellcheck disable=SC2086 # one word per package
apt-get install -y -qq --no-install-recommends $missing >/dev/null
