#!/usr/bin/env bash
# What the machine does once it has started: the tests, or a shell. Speaks to machine.ts on the second serial port, in lines that
# begin with "machine:"; all other lines are for people.
set -u
export LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
port=/dev/ttyS1
# Not where an installation writes: after one nothing may be left there.
done_file=/data/.machine-restarted
cd /tenement || exit
# shellcheck disable=SC1091 # written by project-image.ts: BUILD, KIND, MODE, ONLY, QUICK, EACH
. ./.machine

# A copy, and not a link: instances see /usr and not the project.
[ -e /usr/local/bin/node ] || cp .node /usr/local/bin/node

say() { echo "machine: $*"; }

# Where whole installations may be made and removed (test/systemd/installed.ts).
mkdir -p /run/tenement-tests

# What CI requires of a machine is here: no test of it may skip itself.
require=setpriv,unshare,bwrap,ip,python3
# Its kernel makes no rules that hold for both versions of IP.
[ "$KIND" = uml ] || require+=,nft
variables=(
  "PATH=$PATH" LANG=C.UTF-8 "TENEMENT_BUILD=$BUILD" TENEMENT_MACHINE=1 "TENEMENT_QUICK=$QUICK" "TENEMENT_EACH=$EACH"
  "TENEMENT_REQUIRE=$require"
)
ava=(node node_modules/ava/entrypoints/cli.mjs)

# suite FOLDER PROPERTY...: its tests, as a unit that has these properties.
suite() {
  local folder=test/vm/$1 unit=suite-$1 properties=() status=0
  compgen -G "$BUILD/$folder/*.test.js" >/dev/null || return 0
  shift
  for property in "$@"; do properties+=("--property=$property"); done
  for variable in "${variables[@]}" "TENEMENT_TESTS=$folder"; do properties+=("--setenv=$variable"); done
  say "suite $folder"
  systemd-run --quiet --pipe --wait --collect --unit="$unit" --property=WorkingDirectory=/tenement "${properties[@]}" \
    -- "${ava[@]}" ${ONLY:+--match "$ONLY"} || status=$?
  say "suite-ended $folder $status"
}

exec <"$port" >"$port" 2>&1
stty -F "$port" raw -echo
say started "$(. /etc/os-release && echo "$PRETTY_NAME"), $(systemctl --version | head -n 1), Linux $(uname -r)"

if [ "$MODE" = shell ]; then
  stty -F "$port" sane rows "${ROWS:-24}" cols "${COLUMNS:-80}"
  export HOME=/root TERM="${TERM_OUTSIDE:-vt100}" "${variables[@]}"
  setsid --ctty --wait bash -l
  systemctl poweroff
  exit
fi

if [ ! -e "$done_file" ]; then
  # A test may begin what another, after the restart, finds.
  suite as-root Delegate=yes
  suite as-user Delegate=yes User=tester
  if compgen -G "$BUILD/test/vm/after-reboot/*.test.js" >/dev/null; then
    touch "$done_file"
    say restarting
    systemctl reboot
    exit
  fi
else
  suite after-reboot Delegate=yes
fi
say finished
systemctl poweroff
