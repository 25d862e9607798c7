#!/usr/bin/env bash
# Makes a Debian 13 machine a server of tenement, with an example: run as root, may be run again. What is there already stays;
# when the checkout has changed, it is built and installed as the next version.
#   SOURCE=/vagrant   the checkout to build
#   OWNER=vagrant     the user who builds it
set -euo pipefail

SOURCE=${SOURCE:-/vagrant}
OWNER=${OWNER:-vagrant}
EXAMPLES=/srv/tenement-examples
CONFIG=/etc/tenement/tenement.toml

if [ ! -f "$SOURCE/package-lock.json" ]; then
  echo "There is no checkout at $SOURCE: the folder was not copied. Outside: vagrant rsync && vagrant provision" >&2
  exit 1
fi

missing() {
  local tool
  for tool in "$@"; do command -v "$tool" >/dev/null || return 0; done
  return 1
}
if missing node npm make g++ python3 curl perl setpriv nft bwrap; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends \
    nodejs npm build-essential python3 curl perl util-linux procps nftables iproute2 bubblewrap >/dev/null
fi

# As the owner: the build's files belong to that user, and no package script runs as root.
runuser -u "$OWNER" -- bash -euo pipefail -c '
  cd "$1"
  # Packages are for one system, processor and version of Node: those that were built elsewhere do not run here.
  stamp="$(node -p "[process.platform, process.arch, process.versions.modules].join()") $(sha256sum <package-lock.json)"
  if [ "$stamp" != "$(cat node_modules/.installed 2>/dev/null)" ]; then
    npm ci --no-audit --no-fund
    echo "$stamp" >node_modules/.installed
  fi
  npm run build
' build "$SOURCE"

# The example lies where users of instances may read it. Not all of its folder: a trial leaves its data there.
mkdir -p "$EXAMPLES/notes"
cp "$SOURCE/examples/notes/app.py" "$EXAMPLES/notes/"
chmod -R a+rX "$EXAMPLES"

if [ ! -e "$CONFIG" ]; then
  mkdir -p "$(dirname "$CONFIG")"
  cat >"$CONFIG" <<TOML
# The notes of examples/notes, each customer in a unit of systemd. \`systemctl reload tenement\` after a change.

[settings]
data_dir = "/var/lib/tenement"
# Forwarded ports do not arrive on the loopback interface.
listen = ["0.0.0.0:8080"]

[service.notes]
command = "python3 app.py"
workdir = "$EXAMPLES/notes"
health = "/health"
isolation = "systemd"
idle_timeout = 60

[service.notes.env]
DATA_DIR = "{data_dir}/{id}"

[instances]
notes = ["alice", "bob"]
TOML
fi

# Not from the owner's directory: a tenement.toml in there is not meant.
cd /
"$SOURCE/bin/ten" install

cat >/etc/motd <<MOTD

tenement serves two customers' notes:  http://alice.notes.localhost:8080  (and bob), in a browser outside.

  sudo ten ps                    who is awake
  sudo ten spawn notes:carol     a third customer
  systemctl status 'tenement*'   as systemd sees it
  journalctl -fu tenement        the server's log
  sudo ten doctor                what this machine can isolate

MOTD
