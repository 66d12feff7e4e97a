#!/usr/bin/env bash
# Installs the Debian packages of a list ("package section" a line) that are not there yet. Starts nothing. A package of
# section `run` that cannot be installed is an error, another one a warning: packages.sh image_build/packages.txt
set -euo pipefail
cd "$(dirname "$0")/.."
LIST=$1
mkdir -p .setup
die() { printf '\nSet-up stopped: %s\n' "$*" >&2; exit 1; }
SUDO=""
[ "$(id -u)" -eq 0 ] || SUDO="sudo -n"

wanted=$(sed -e 's/#.*//' "$LIST" | awk 'NF {print $1}')
missing=""
for package in $wanted; do
  # a node that is already there (in any way) does for building the web assets
  case "$package" in
    nodejs) command -v node >/dev/null && continue ;;
    npm) command -v npm >/dev/null && continue ;;
  esac
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "  to install:$missing"
  $SUDO true || die "sudo asks for a password. Run 'sudo -v' first, or run as root."
  # While we install, nothing may start: Debian's own units of these packages are not used, supervisor runs them.
  guard=/usr/sbin/policy-rc.d
  made_guard=""
  if [ ! -e "$guard" ]; then
    printf '#!/bin/sh\nexit 101\n' | $SUDO tee "$guard" >/dev/null
    $SUDO chmod 755 "$guard"
    made_guard=1
  fi
  remove_guard() { [ -z "$made_guard" ] || $SUDO rm -f "$guard"; }
  trap remove_guard EXIT
  export DEBIAN_FRONTEND=noninteractive
  log=.setup/apt.log
  $SUDO apt-get update -q >"$log" 2>&1 || die "apt-get update failed; is the package mirror reachable? See $log."
  # shellcheck disable=SC2086  # a list of package names
  if ! $SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >>"$log" 2>&1; then
    cannot=""
    for package in $missing; do
      $SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$package" >>"$log" 2>&1 || cannot="$cannot $package"
    done
    for package in $cannot; do
      section=$(sed -e 's/#.*//' "$LIST" | awk -v p="$package" '$1==p {print $2}')
      [ "$section" = run ] && die "package '$package' cannot be installed and the box cannot run without it. See $log."
      echo "  WARNING: package '$package' cannot be installed; the part '$section' will be incomplete. See $log."
    done
  fi
  remove_guard
  trap - EXIT
  echo "  installed"
else
  echo "  all there"
fi
