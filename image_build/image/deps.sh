#!/usr/bin/env bash
# The Python packages of the device: deps.sh SOURCE OUT.tar. They come from SOURCE's hash-locked file, without what only
# development needs; byte-code is compiled here with hash-based invalidation, so that the same lock gives the same bytes.
# SOURCE is a checkout after `make setup`.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
SOURCE=$(cd "$1" && pwd)
OUT=$2
export PYTHONHASHSEED=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
PY=$SOURCE/.venv/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
site=$work/root/opt/callbox/venv/lib/python3.11/site-packages
mkdir -p "$site"
"$PY" "$HERE/runtime_lock.py" "$SOURCE/requirements.lock" >"$work/run.lock"
"$PY" -m pip install -q --no-compile --require-hashes --only-binary :all: --target "$site" -r "$work/run.lock"
rm -rf "$site/bin" "$site/share"
# it names the place where the scripts were put, which is another one each time
find "$site" -path '*.dist-info/RECORD' -delete
find "$site" -name __pycache__ -prune -exec rm -rf {} +
find "$site" -type d \( -name tests -o -name test \) -path '*/site-packages/*/*' -prune -exec rm -rf {} +
python3.11 -m compileall -q -j 2 --invalidation-mode unchecked-hash -s "$work/root" -p / "$site"
tar -C "$work/root" --sort=name --mtime=@"${SOURCE_DATE_EPOCH:?set by build.sh}" --owner=0 --group=0 --numeric-owner \
  -cf "$OUT.new" .
mv "$OUT.new" "$OUT"
