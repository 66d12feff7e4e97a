#!/usr/bin/env bash
# The product's part of the device's root file system: app.sh SOURCE DEPS.tar OUT.tar. SOURCE is a checkout after `make
# setup` (its web assets and translations are taken as built), DEPS.tar its Python packages (deps.sh).
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
SOURCE=$(cd "$1" && pwd)
DEPS=$2 OUT=$3
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:?set by build.sh} PYTHONHASHSEED=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
PY=$SOURCE/.venv/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=$work/root/opt/callbox/venv
site=$venv/lib/python3.11/site-packages
mkdir -p "$venv/bin" "$site" "$work/source"

# what is committed, and what set-up built; nothing else of the checkout
git -C "$SOURCE" archive HEAD | tar -xf - -C "$work/source"
mkdir -p "$work/source/webui/static"
cp -a "$SOURCE/webui/static/dist" "$work/source/webui/static/"
(cd "$SOURCE" && find webui/translations -name '*.mo' -print0 | xargs -0 tar -cf -) | tar -xf - -C "$work/source"

tar -xf "$DEPS" -C "$work/root"
"$PY" -m pip wheel -q --no-deps --no-build-isolation -w "$work/wheel" "$work/source"
"$PY" -m pip install -q --no-deps --no-compile --target "$site" "$work"/wheel/callbox-*.whl
# what the box's services are made of must be loadable here: a requirement that nobody wrote down shows now. No byte-code is
# left (-B): it would name this place
python3.11 -I -B -c "
import sys
sys.path.insert(0, '$site')
import importlib
import appliance.cli, webui.assets
from appliance.services.__main__ import SERVICES
for module in SERVICES.values():
    importlib.import_module(module)
webui.assets.manifest()
"
# what names the place it was installed from would differ from build to build
find "$site" -name direct_url.json -delete
find "$site" -path '*.dist-info/RECORD' -delete

printf 'home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11\n' >"$venv/pyvenv.cfg"
ln -s /usr/bin/python3.11 "$venv/bin/python"
ln -s python "$venv/bin/python3"
script() {
  printf '#!/opt/callbox/venv/bin/python -P\nimport sys\n\nfrom %s import main\n\nsys.exit(main())\n' "$2" >"$venv/bin/$1"
  chmod 755 "$venv/bin/$1"
}
script callbox appliance.cli
script callbox-console appliance.services.console
printf '#!/opt/callbox/venv/bin/python -P\nfrom supervisor.supervisord import main\n\nmain()\n' >"$venv/bin/supervisord"
chmod 755 "$venv/bin/supervisord"
mkdir -p "$work/root/usr/bin" "$work/root/usr/share/doc/callbox"
ln -s /opt/callbox/venv/bin/callbox "$work/root/usr/bin/callbox"
find "$work/source/docs" -mindepth 1 -maxdepth 1 \( -name '*.md' -o -name technician -o -name installer \) \
  -exec cp -r -t "$work/root/usr/share/doc/callbox" "$work/source/LICENSE" {} +

python3.11 -m compileall -q -j 2 --invalidation-mode unchecked-hash -s "$work/root" -p / "$site"/{appliance,audio,drivers,webui}
tar -C "$work/root" --sort=name --mtime=@"$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -cf "$OUT.new" .
mv "$OUT.new" "$OUT"
