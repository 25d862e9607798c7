#!/usr/bin/env bash
# Runs the three services for two customers each and checks from outside that each of the six is itself and nobody else.
# Needs a built checkout, python3, node, go and curl.
#   TEN=...    the ten command (default: this checkout's)
#   PORT=8080  port of the server that this script starts and ends
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

PORT=${PORT:-8080}
read -ra TEN <<<"${TEN:-../../bin/ten}"
SERVICES=(pyapi nodeapi goapi)
TENANTS=(alice bob)
WORK=$(mktemp -d)
SERVER=
PASSED=0
FAILED=0

cleanup() {
  if [ -n "$SERVER" ]; then
    kill -TERM "$SERVER" 2>/dev/null
    wait "$SERVER" 2>/dev/null
  fi
  rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

runtime_of() {
  case $1 in
    pyapi) echo python ;;
    nodeapi) echo node ;;
    goapi) echo go ;;
  esac
}

# check NAME EXPECTED ACTUAL
check() {
  if [ "$2" = "$3" ]; then
    PASSED=$((PASSED + 1))
    printf 'ok    %s\n' "$1"
  else
    FAILED=$((FAILED + 1))
    printf 'FAIL  %s: expected %s, got %s\n' "$1" "$2" "$3"
    # What came instead says why.
    [ -s "$WORK/body" ] && head -c 2000 "$WORK/body" | sed 's/^/      /'
  fi
}

# differs NAME A B
differs() {
  if [ -n "$2" ] && [ "$2" != "$3" ]; then check "$1" yes yes; else check "$1" "two different values" "the same or none"; fi
}

# request SERVICE TENANT PATH [curl options]: the body goes to $WORK/body, the status to stdout
request() {
  local service=$1 tenant=$2 path=$3
  shift 3
  curl --silent --max-time 60 --output "$WORK/body" --write-out '%{http_code}' \
    --header "Host: $tenant.$service.localhost" "$@" "http://127.0.0.1:$PORT$path"
}

# field EXPRESSION: a value out of the JSON in $WORK/body; nothing when it is not there
field() {
  node -e "try { const body = JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8')); process.stdout.write(String($1)) } catch {}" "$WORK/body"
}

# Kept in files: the bash of macOS has no associative arrays.
token() { cat "$WORK/token.$1.$2"; }
bearer() { printf 'Authorization: Bearer %s' "$(token "$1" "$2")"; }

for tool in python3 node go curl; do
  command -v "$tool" >/dev/null || { echo "test.sh: $tool is needed and is not installed" >&2; exit 1; }
done
(cd goapi && go build -o goapi .) || exit 1

"${TEN[@]}" serve --config tenement.toml --data-dir "$WORK/data" --port "$PORT" >"$WORK/server.log" 2>&1 &
SERVER=$!
tries=0
until curl --silent --fail --output /dev/null --max-time 5 "http://127.0.0.1:$PORT/health"; do
  tries=$((tries + 1))
  if [ "$tries" -ge 150 ] || ! kill -0 "$SERVER" 2>/dev/null; then
    echo "test.sh: the server does not answer on port $PORT" >&2
    cat "$WORK/server.log" >&2
    exit 1
  fi
  sleep 0.2
done

echo "# health, identity and own tokens"
for service in "${SERVICES[@]}"; do
  for tenant in "${TENANTS[@]}"; do
    who="$service:$tenant"
    check "$who is healthy" 200 "$(request "$service" "$tenant" /health)"
    check "$who says ok" ok "$(field body.status)"
    check "$who knows its tenant" "$tenant" "$(field body.tenant)"
    check "$who runs on its runtime" "$(runtime_of "$service")" "$(field body.runtime)"
    request "$service" "$tenant" /token >/dev/null
    field body.token >"$WORK/token.$service.$tenant"
    check "$who has a token of 64 hex digits" yes "$([[ $(token "$service" "$tenant") =~ ^[0-9a-f]{64}$ ]] && echo yes || echo no)"
    request "$service" "$tenant" /token >/dev/null
    check "$who keeps its token" "$(token "$service" "$tenant")" "$(field body.token)"
  done
done

echo "# without, with a wrong, with the right token"
for service in "${SERVICES[@]}"; do
  for tenant in "${TENANTS[@]}"; do
    who="$service:$tenant"
    check "$who without a token" 401 "$(request "$service" "$tenant" /notes)"
    check "$who with a wrong token" 403 "$(request "$service" "$tenant" /notes --header 'Authorization: Bearer wrong')"
    check "$who with its token" 200 "$(request "$service" "$tenant" /notes --header "$(bearer "$service" "$tenant")")"
    check "$who refuses to write without a token" 401 "$(request "$service" "$tenant" /notes --data '{"text":"x"}')"
  done
done

echo "# tokens of another tenant or service are worth nothing"
for service in "${SERVICES[@]}"; do
  differs "$service: alice's and bob's tokens differ" "$(token "$service" alice)" "$(token "$service" bob)"
  check "$service:alice with bob's token" 403 "$(request "$service" alice /notes --header "$(bearer "$service" bob)")"
  check "$service:bob with alice's token" 403 "$(request "$service" bob /notes --header "$(bearer "$service" alice)")"
done
for service in "${SERVICES[@]}"; do
  for other in "${SERVICES[@]}"; do
    [ "$service" = "$other" ] && continue
    check "$service:alice with alice's token of $other" 403 \
      "$(request "$service" alice /notes --header "$(bearer "$other" alice)")"
  done
done

echo "# one note each, and nobody sees another's"
for service in "${SERVICES[@]}"; do
  for tenant in "${TENANTS[@]}"; do
    who="$service:$tenant"
    check "$who takes a note" 200 \
      "$(request "$service" "$tenant" /notes --header "$(bearer "$service" "$tenant")" --header 'Content-Type: application/json' --data "{\"text\":\"note of $who\"}")"
  done
done
for service in "${SERVICES[@]}"; do
  for tenant in "${TENANTS[@]}"; do
    who="$service:$tenant"
    request "$service" "$tenant" /notes --header "$(bearer "$service" "$tenant")" >/dev/null
    check "$who has exactly its own note" "1 note of $who" "$(field '`${body.notes.length} ${body.notes[0].text}`')"
  done
done

echo "# strangers"
check "an unknown tenant" 404 "$(request pyapi mallory /notes)"
check "an unknown service" 404 "$(request nosuch alice /notes)"

echo
if [ "$FAILED" -gt 0 ]; then
  echo "# the last lines of the server's log"
  tail -n 60 "$WORK/server.log"
fi
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
