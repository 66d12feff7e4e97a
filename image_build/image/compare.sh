#!/usr/bin/env bash
# Whether the image is reproducible: builds it a second time, from nothing, and compares the digests with build/image.
# compare.sh [options of build.sh]; `--reuse-base` takes Debian's part of the first build.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
FIRST=$(cd "$HERE/../.." && pwd)/build/image
SECOND=$(cd "$HERE/../.." && pwd)/build/image-again
rm -rf "$SECOND"
mkdir -p "$SECOND"
options=()
for word in "$@"; do
  if [ "$word" = --reuse-base ]; then
    cp --reflink=auto "$FIRST/base.tar" "$FIRST/base.tar.made-of" "$SECOND/"
  else
    options+=("$word")
  fi
done
"$HERE/build.sh" --out "$SECOND" "${options[@]}"
echo
if cmp -s "$FIRST/base.tar" "$SECOND/base.tar"; then echo "base.tar: the same"; else echo "base.tar: DIFFERENT"; fi
if cmp -s "$FIRST/deps.tar" "$SECOND/deps.tar"; then echo "deps.tar: the same"; else echo "deps.tar: DIFFERENT"; fi
if cmp -s "$FIRST/app.tar" "$SECOND/app.tar"; then echo "app.tar: the same"; else echo "app.tar: DIFFERENT"; fi
diff "$FIRST/SHA256SUMS" "$SECOND/SHA256SUMS" && echo "both builds have the same digests"
