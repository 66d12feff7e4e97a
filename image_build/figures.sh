#!/usr/bin/env bash
# Measures the project's figures and writes each to docs/figures/NAME.md with its command, date and machine.
# `image_build/figures.sh NAME...` measures only those. EAR_SET=FOLDER (manifest.csv, clips, library.csv, as the development
# set's builder makes it) adds the figures of the ear.
set -uo pipefail
cd "$(dirname "$0")/.."
CALLBOX=.venv/bin/callbox
mkdir -p docs/figures
failed=0

measure() { # FENCE NAME COMMAND...
  local fence=$1 name=$2
  shift 2
  if [ ${#WANTED[@]} -gt 0 ] && [[ ! " ${WANTED[*]} " == *" $name "* ]]; then return; fi
  echo "== $name: $*" >&2
  local out started commit began=$SECONDS
  started=$(date -u +%Y-%m-%dT%H:%MZ)
  commit=$(git rev-parse --short HEAD)
  if ! out=$("$@"); then
    echo "   failed" >&2
    failed=1
    return
  fi
  {
    printf '# %s\n\n    %s\n\n' "$name" \
      "$(printf '%s ' "$@" | sed "s#$CALLBOX#callbox#; s#${EAR_SET:-^$}#EAR_SET#g; s/ \$//")"
    printf '%s, %s cores, %s, commit %s; took %s s at load %s.\n\n' "$started" "$(nproc)" \
      "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1)" "$commit" "$((SECONDS - began))" \
      "$(cut -d' ' -f2 /proc/loadavg)"
    if [ "$fence" = json ]; then
      printf '```json\n%s\n```\n' "$(printf '%s' "$out" | .venv/bin/python -m json.tool)"
    elif [ "$fence" = lines ]; then
      printf '```json\n%s\n```\n' "$out"
    else
      printf '%s\n' "$out"
    fi
  } >"docs/figures/$name.md"
}

figure() { measure json "$@"; } # a command that prints JSON
page() { measure markdown "$@"; } # one that prints Markdown
rows() { measure lines "$@"; } # one JSON object a line

WANTED=("$@")
figure calls-60-bridged-30 $CALLBOX bench calls --lines 60 --seconds 60 --bridged 30 --json
figure calls-60 $CALLBOX bench calls --lines 60 --seconds 60 --json
figure calls-120 $CALLBOX bench calls --lines 120 --seconds 60 --json
figure calls-60-ringing $CALLBOX bench calls --lines 60 --seconds 60 --ringing --json
figure short-calls-500 $CALLBOX bench short-calls --calls 500 --json
figure demo-200 $CALLBOX demo --numbers 200 --seats 30 --json
figure detector $CALLBOX bench detector --lines 120 --seconds 10 --json
figure console $CALLBOX bench console --json
figure store $CALLBOX bench store --json
figure web $CALLBOX bench web --json
rows pacing_all $CALLBOX bench pacing --scenario all --json
figure pacing_days $CALLBOX bench pacing --days 60 --seed 1000 --limit 0.03 --json
figure pacing_bound $CALLBOX bench pacing --bound --limit 0.01 --seed 1 --days 4
figure pacing_knowledge $CALLBOX bench pacing --knowledge --limit 0.03 --seed 40 --days 6
figure pacing_greeting $CALLBOX bench pacing --greeting --limit 0.03 --seed 1 --days 3
figure pacing_greeting_1 $CALLBOX bench pacing --greeting --limit 0.01 --seed 1 --days 3
figure pacing_dispositions $CALLBOX bench pacing --dispositions --limit 0.03 --seed 400 --days 3
figure pacing_memory $CALLBOX bench pacing --memory --limit 0.03 --seed 1 --days 3
figure import_100000 $CALLBOX bench store --only-import --rows 100000 --json
page compliance $CALLBOX bench compliance --ledgers 1000000 --processes "$(nproc)"
if [ -n "${EAR_SET:-}" ]; then
  page ear_dev $CALLBOX bench ear --manifest "$EAR_SET/manifest.csv" --audio-root "$EAR_SET/clips" \
    --library "$EAR_SET" --plots docs/figures --trade-off
fi
exit $failed
