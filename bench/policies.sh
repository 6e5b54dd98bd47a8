#!/bin/sh
# The character model charrnn_shakespeare under freeze policies: fine-tuned to another author's text (bits a
# character of the held-out tenth), and as the extractor of features for the languages of surnames (accuracy).
# Each arm can be killed with SIGKILL on its way and gone on with, to be compared byte by byte.
set -eu

usage() {
  cat <<'END'
usage: policies.sh [-e EPOCHS] [-n BYTES] [-k] FIRN DATA

Trains under eight policies and prints two tables. FIRN is the program, DATA the folder that holds charrnn/,
text_corpora/darwin.txt and names/names_ascii.tsv. Runs go into the folder runs/ here.

  -e EPOCHS  of each arm (4)
  -n BYTES   of the text, from its start (all)
  -k         kill each arm once with SIGKILL, go on with the same command, and compare the weights and the
             results with those of the undisturbed arm

  bench/policies.sh -e 2 -n 300000 -k build/release/tools/firn ../shared/data
END
}

epochs=4 bytes= kills=
while getopts e:n:kh option; do
  case $option in
    e) epochs=$OPTARG ;;
    n) bytes=$OPTARG ;;
    k) kills=1 ;;
    h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -eq 2 ] || { usage >&2; exit 2; }
firn=$1 data=$2
weights=$data/charrnn/charrnn_shakespeare.safetensors
text=$data/text_corpora/darwin.txt
if [ -n "$bytes" ]; then
  mkdir -p runs
  head -c "$bytes" "$text" > runs/darwin-start.txt
  text=runs/darwin-start.txt
fi

# The value of a field in the last epoch of a run.
last() { sed -n "s/.*\"kind\":\"epoch\".*\"$2\":\([^,}]*\).*/\1/p" "runs/$1/metrics.jsonl" | tail -n 1; }
# The sum of a field over the epochs.
sum() {
  sed -n "s/.*\"kind\":\"epoch\".*\"$2\":\([^,}]*\).*/\1/p" "runs/$1/metrics.jsonl" |
    awk '{ total += $1 } END { printf "%.2f", total }'
}
# The mean of a field over the epochs, in percent.
percent() {
  sed -n "s/.*\"kind\":\"epoch\".*\"$2\":\([^,}]*\).*/\1/p" "runs/$1/metrics.jsonl" |
    awk '{ total += $1 } END { printf "%.0f", 100 * total / NR }'
}
# What a run leaves that must not depend on whether it was killed: weights, and results without times.
result() { cat "runs/$1/last.safetensors" "runs/$1/best.safetensors" | cksum; cut -d, -f1-6,10 "runs/$1/results.csv"; }

# check_kill RUN SECONDS COMMAND...: the same command, killed, gone on with, against RUN.
check_kill() {
  run=$1 after=$2
  shift 2
  "$@" -q --checkpoint-every 5 --run "$run-killed" --overwrite > /dev/null &
  process=$!
  sleep "$after"
  kill -9 $process 2> /dev/null || { echo "ended before it could be killed"; return 0; }
  wait $process 2> /dev/null || true
  "$@" -q --checkpoint-every 5 --run "$run-killed" > /dev/null || { echo "did not go on"; exit 1; }
  [ "$(result "$run")" = "$(result "$run-killed")" ] || { echo "DIFFERS"; exit 1; }
  echo "same bytes"
}

# table TITLE NAME FIELD COMMAND...
table() {
  title=$1 name=$2 field=$3
  shift 3
  printf '\n%s, %s epochs\n\n| policy | %s | seconds training | blocks trained, %% | checkpoint, KiB |%s\n|---|---|---|---|---|%s\n' \
    "$title" "$epochs" "$field" "${kills:+ killed and gone on |}" "${kills:+---|}"
  for policy in none head first,k=1 first,k=2 bias-only lp-ft gradual fine-tune autofreeze slimfit; do
    run=policies-$name-$(echo "$policy" | tr ',=' '--')
    "$@" --policy "$policy" --epochs "$epochs" -q --run "$run" --overwrite > /dev/null
    seconds=$(sum "$run" seconds)
    size=$(($(wc -c < "runs/$run/checkpoint.safetensors") / 1024))
    killed=
    if [ -n "$kills" ]; then
      half=$(echo "$seconds" | awk '{ printf "%.2f", 0.2 + $1 / 2 }')
      killed=" $(check_kill "$run" "$half" "$@" --policy "$policy" --epochs "$epochs") |"
    fi
    printf '| `%s` | %.4f | %s | %s | %s |%s\n' "$policy" "$(last "$run" "$field")" "$seconds" \
      "$(percent "$run" trained_share)" "$size" "$killed"
  done
}

table "Shakespeare's model to Darwin's text" darwin bits_per_character \
  "$firn" train --model charrnn --weights "$weights" --data "text:$text" --rate 0.002
table "Shakespeare's model to 18 languages of surnames" names validation_accuracy \
  "$firn" train --model charrnn --weights "$weights" --replace-head --data "tsv:$data/names/names_ascii.tsv" --rate 0.002
