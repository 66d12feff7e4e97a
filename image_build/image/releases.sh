# Which commits were released, oldest first; a copy of the repository need not carry tags. Sourced.
# shellcheck shell=bash
RELEASES="
v0.1.0 8ef13583cc394103d7fe6958d2a0ede33539cee5
"

commit_of() { # release: its commit
  awk -v name="$1" '$1 == name {print $2; found = 1} END {exit !found}' <<<"$RELEASES"
}

version_of() { # checkout: 0.1.0 for that release, 0.1.0-12-gABCDEF0 for the twelfth commit after it
  local name commit version="" after
  while read -r name commit; do
    git -C "$1" merge-base --is-ancestor "${commit:-none}" HEAD 2>/dev/null || continue
    after=$(git -C "$1" rev-list --count "$commit..HEAD")
    version=${name#v}
    [ "$after" -eq 0 ] || version+=-$after-g$(git -C "$1" rev-parse --short=7 HEAD)
  done <<<"$RELEASES"
  if [ -z "$version" ]; then # a clone without its depth, as some testers make
    version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$1/pyproject.toml")-g$(git -C "$1" rev-parse --short=7 HEAD)
    echo "no release is in this clone's history: it is called $version" >&2
  fi
  echo "$version"
}
