#!/usr/bin/env bash
# An image of an earlier release, which the boot test updates from: predecessor.sh RELEASE -> build/image-RELEASE. The product
# is that release's, with its own Python packages and web assets; Debian's part, units and boot tools are today's, since the
# first release had none. Root; a clone with its whole history.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
NAME=${1:?"usage: predecessor.sh RELEASE"}
SOURCE=$TOP/build/source-$NAME OUT=$TOP/build/image-$NAME
# shellcheck source=image_build/image/releases.sh
. "$HERE/releases.sh"

commit=$(commit_of "$NAME") || { echo "releases.sh knows no release $NAME" >&2; exit 1; }
if [ "$(git -C "$SOURCE" rev-parse HEAD 2>/dev/null)" != "$commit" ] || [ ! -e "$SOURCE/.set-up" ]; then
  rm -rf "$SOURCE"
  git clone -q --no-checkout "$TOP" "$SOURCE"
  git -C "$SOURCE" checkout -q --detach "$commit"
  cd "$SOURCE"
  # of its set-up only what goes into an image; what its lock names in today's version is taken from today's environment
  python3.11 -m venv .venv
  echo "$TOP/.venv/lib/python3.11/site-packages" >.venv/lib/python3.11/site-packages/today.pth
  .venv/bin/pip install -q --disable-pip-version-check --root-user-action=ignore --no-deps \
    --require-hashes -r requirements.lock
  (cd webui/frontend && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && node build.mjs) >/dev/null
  "$TOP/.venv/bin/pybabel" -q compile -d webui/translations
  touch .set-up
fi
mkdir -p "$OUT"
if [ -e "$TOP/build/image/base.tar.made-of" ]; then
  cp -u --reflink=auto --preserve=timestamps "$TOP"/build/image/base.tar{,.made-of} "$OUT/"
fi
# for tests on the machine that built it: quick, not small
ZSTD_LEVEL=${ZSTD_LEVEL:-1} "$HERE/build.sh" --source "$SOURCE" --out "$OUT"
