#!/usr/bin/env bash
# Sets up a checkout on Debian 12: packages, Python environment, web assets, translations, database, certificates and
# the bench's sounds. Asks nothing, starts nothing, safe to run again: each step is skipped while its inputs are the same.
set -euo pipefail
cd "$(dirname "$0")/.."
TOP=$PWD
STAMPS=$TOP/.setup
mkdir -p "$STAMPS"
STEPS=6
step() { printf '\n[%s/%s] %s\n' "$1" "$STEPS" "$2"; }
die() { printf '\nSet-up stopped: %s\n' "$*" >&2; exit 1; }

[ -r /etc/debian_version ] || die "this is not Debian. Callbox is built for Debian 12 (bookworm)."
SUDO=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || die "run as root, or install sudo: Debian packages must be installed."
  SUDO="sudo -n"
fi

# ---- 1. Debian packages ------------------------------------------------------------------------------------------
step 1 "Debian packages"
units="kamailio rtpengine-daemon rtpengine-recording-daemon nginx nats-server postgresql"
# a file server that somebody has here already stays as it is
[ -x /usr/sbin/smbd ] || units="$units smbd nmbd samba-ad-dc"
image_build/packages.sh image_build/packages.txt || die "the Debian packages are not all there."
for unit in $units; do
  command -v systemctl >/dev/null || break
  if [ -e "/etc/systemd/system/multi-user.target.wants/$unit.service" ]; then
    $SUDO systemctl disable --quiet "$unit.service" 2>/dev/null || true
    # without a running systemd there is nothing to stop
    [ ! -d /run/systemd/system ] || $SUDO systemctl stop --quiet "$unit.service" || true
    echo "  unit $unit.service disabled (supervisor runs our own)"
  fi
done

# ---- 2. Python ---------------------------------------------------------------------------------------------------
step 2 "Python environment from requirements.lock"
# The pjsua2 wheel exists for CPython 3.11 (x86-64) only.
python=""
for candidate in python3.11 python3; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || die "Python 3.11 is needed (Debian 12's own python3)."
[ "$(uname -m)" = x86_64 ] || die "the SIP library ships for x86-64 only; this machine is $(uname -m)."
digest=$( (cat requirements.lock pyproject.toml; "$python" -VV) | sha256sum | cut -c1-64)
if [ ! -x .venv/bin/callbox ] || [ "$(cat "$STAMPS/python" 2>/dev/null)" != "$digest" ]; then
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
  .venv/bin/pip install -q --require-hashes -r requirements.lock 2>"$STAMPS/pip.log" ||
    die "the Python packages could not be installed; see $STAMPS/pip.log."
  .venv/bin/pip install -q --no-deps --no-build-isolation -e . 2>>"$STAMPS/pip.log" ||
    die "callbox itself could not be installed; see $STAMPS/pip.log."
  echo "$digest" >"$STAMPS/python"
  echo "  installed"
else
  echo "  up to date"
fi

# ---- 3. Web assets -----------------------------------------------------------------------------------------------
step 3 "Web assets"
# the icon sprite is made from the names that templates, shell and labels use
digest=$(find webui/frontend webui/templates webui/shell.py webui/labels.py -type f -not -path '*/node_modules/*' -print0 |
  sort -z | xargs -0 -r sha256sum | sha256sum | cut -c1-64)
if [ ! -f webui/static/dist/manifest.json ] || [ "$(cat "$STAMPS/web" 2>/dev/null)" != "$digest" ]; then
  command -v npm >/dev/null || die "npm is missing: the web assets cannot be built."
  (cd webui/frontend && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && node build.mjs) >"$STAMPS/web.log" 2>&1 ||
    die "the web assets could not be built; see $STAMPS/web.log."
  echo "$digest" >"$STAMPS/web"
  echo "  built"
else
  echo "  up to date"
fi

# ---- 4. Translations ---------------------------------------------------------------------------------------------
step 4 "Translations (zh, ru)"
digest=$(find webui/translations -name '*.po' -print0 | sort -z | xargs -0 -r sha256sum | sha256sum | cut -c1-64)
if [ "$(cat "$STAMPS/translations" 2>/dev/null)" != "$digest" ]; then
  .venv/bin/pybabel -q compile -d webui/translations >"$STAMPS/translations.log" 2>&1 ||
    die "the translations could not be compiled; see $STAMPS/translations.log."
  echo "$digest" >"$STAMPS/translations"
  echo "  compiled"
else
  echo "  up to date"
fi

# ---- 5. Database, certificates -----------------------------------------------------------------------------------
step 5 "Database, keys and certificates of the checkout's box"
.venv/bin/callbox prepare

# ---- 6. Bench sounds ---------------------------------------------------------------------------------------------
step 6 "Voices and tones of the bench"
.venv/bin/callbox prepare --bench

printf '\nSet up. Next: make run (the box with its bench), make test, make help.\n'
