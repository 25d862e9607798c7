#!/usr/bin/env bash
# Five customers: all awake, all asleep, one woken by its visitor. Needs a built checkout, python3 and curl.
#   PORT=8080  port of the server that this script starts and ends
#   TEN=...    the ten command (default: this checkout's)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

PORT=${PORT:-8080}
read -ra TEN <<<"${TEN:-../../bin/ten}"
DATA=$(mktemp -d)
export TENEMENT_DATA_DIR=$DATA # the server writes here, and the CLI finds the server's Unix socket here
SERVER=

cleanup() {
  if [ -n "$SERVER" ]; then
    kill -TERM "$SERVER" 2>/dev/null || true
    wait "$SERVER" 2>/dev/null || true
  fi
  rm -rf "$DATA"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() { printf '\n== %s\n' "$*"; }
visit() { curl --silent --show-error --fail --max-time 30 --header "Host: $1.localhost" "http://127.0.0.1:$PORT/"; }
awake() { "${TEN[@]}" --json ps | grep -o '"id": *"app:[a-z]*"' | wc -l | tr -d ' '; }
# wait_until SECONDS COMMAND...
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      echo "demo: waited too long for: $*" >&2
      tail -n 20 "$DATA/server.log" >&2
      exit 1
    fi
    kill -0 "$SERVER" 2>/dev/null || { cat "$DATA/server.log" >&2; exit 1; }
    sleep 0.2
  done
}
answers() { curl --silent --fail --output /dev/null --max-time 5 "http://127.0.0.1:$PORT/health"; }
all_asleep() { [ "$(awake)" = 0 ]; }

step "The server starts"
"${TEN[@]}" serve --config tenement.toml --port "$PORT" >"$DATA/server.log" 2>&1 &
SERVER=$!
wait_until 30 answers

step "Five customers visit their own app: five processes, five databases"
for tenant in alice bob carol dave erin; do visit "$tenant"; done
"${TEN[@]}" ps

step "Nobody visits for three seconds: all five go to sleep and cost nothing"
wait_until 60 all_asleep
"${TEN[@]}" ps -a

step "carol comes back: only her process starts, and her count goes on"
time visit carol
"${TEN[@]}" ps

step "Without the Unix socket the API wants a token; the server has written one for the administrator"
curl --silent --output /dev/null --write-out 'without a token: %{http_code}\n' "http://127.0.0.1:$PORT/api/instances"
# The header goes through a file descriptor: a token on a command line would show in ps.
curl --silent --output /dev/null --write-out 'with api_token:  %{http_code}\n' \
  --header @<(printf 'Authorization: Bearer %s\n' "$(cat "$DATA/api_token")") "http://127.0.0.1:$PORT/api/instances"

step "Done: the server stops every instance when it ends"
