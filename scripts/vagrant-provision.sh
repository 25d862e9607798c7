#!/usr/bin/env bash
# Makes a fresh Debian 13 ready for tenement: run as root, may be run again.
#   SOURCE=/vagrant   the checkout to build
#   OWNER=vagrant     the user who builds and uses it
set -euo pipefail

SOURCE=${SOURCE:-/vagrant}
OWNER=${OWNER:-vagrant}

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends \
  nodejs npm build-essential python3 golang-go curl util-linux procps >/dev/null

# As the owner: the build's files belong to the user who runs the server, and no package script runs as root.
runuser -u "$OWNER" -- bash -c 'cd "$1" && npm ci --no-audit --no-fund && npm run build' build "$SOURCE"
ln -sf "$SOURCE/bin/ten" /usr/local/bin/ten

# --host: forwarded ports do not arrive on the loopback interface.
cat >/etc/motd <<MOTD

tenement is built in $SOURCE. To begin:

  cd $SOURCE
  ten serve --config examples/notes/tenement.toml --host 0.0.0.0

Then, in a browser outside: http://alice.notes.localhost:8080

MOTD
