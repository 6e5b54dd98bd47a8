#!/bin/sh
# What `firn advise` chooses, held against every cut: the command that it prints is run for each number of frozen
# blocks with three seeds, and as it stands.
set -eu

usage() {
  cat <<'END'
usage: advise.sh [-s SEEDS] [-t TIME] FIRN DATA [SET...]

For each set asks `firn advise`, trains every cut with the seeds 1 to SEEDS by the command that it prints (other
numbers behind --freeze, --seed and --epochs alone), runs that command as it stands, and prints a table. FIRN is the
program, DATA the folder that holds what the sets name below. Runs go into the folder runs/ here; those that are
finished are not made again.

  -s SEEDS   3
  -t TIME    for advise's trials (60s)

  insects    hymenoptera/, squeezenet/           ants and bees from ImageNet's features
  names      names/                              languages of surnames, new weights
  letters    emnist_letters_small/, doodlenet/   handwritten letters from sketch features
  cifar10    cifar10/, resnet20/                 200 labels a class, from weights for the same ten classes

  bench/advise.sh build/release/tools/firn ../shared/data names
END
}

seeds=3 time=60s
while getopts s:t:h option; do
  case $option in
    s) seeds=$OPTARG ;;
    t) time=$OPTARG ;;
    h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || { usage >&2; exit 2; }
firn=$1 data=$2
shift 2
[ $# -gt 0 ] || set -- insects names letters cifar10

# field NAME: of the JSON objects that are read, one a line; numbers and lists, words without their marks.
field() { sed -n "s/.*\"$1\":\(\"[^\"]*\"\|\[[^]]*\]\|[^,}]*\).*/\1/p" | tr -d '"'; }

# accuracy RUN COMMAND: on the test part, of a run that is made where it is not there yet.
accuracy() {
  kept=runs/$1.json
  if [ ! -s "$kept" ]; then
    # The words of a command that firn prints need no marks here: no path of these sets has a blank.
    $2 --run "$1" --overwrite --json -q < /dev/null > "$kept.part" || { cat "$kept.part" >&2; exit 1; }
    mv "$kept.part" "$kept"
  fi
  tail -n 1 "$kept" | field test_accuracy
}

# advise NAME OPTION...
advise() {
  set=$1
  shift
  mkdir -p runs
  advice=runs/advise-$set.json
  printf '\n%s: firn advise %s\n\n' "$set" "$*"
  [ -s "$advice" ] || { "$firn" advise "$@" --probe-time "$time" --json -q > "$advice.part" && mv "$advice.part" "$advice"; }
  result=$(tail -n 1 "$advice")
  chosen=$(echo "$result" | field frozen_blocks)
  printed=$(echo "$result" | field command)
  program=$firn${printed#firn}
  rows=$(
    grep '"kind":"advise_cut"' "$advice" | while read -r cut; do
      frozen=$(echo "$cut" | field frozen_blocks)
      epochs=$(echo "$cut" | field epochs)
      all=
      for seed in $(seq "$seeds"); do
        command=$(echo "$program" | sed "s/ --freeze [^ ]*//; s/ --seed [^ ]*//; s/ --epochs [^ ]*//")
        freeze=$frozen
        [ "$frozen" -gt 0 ] || freeze=none
        one=$(accuracy "advise-$set-$frozen-$seed" "$command --freeze $freeze --seed $seed --epochs $epochs")
        all="$all $one"
      done
      echo "$frozen $(echo "$cut" | field known) $(echo "$cut" | field accuracy) $(echo "$cut" | field low)" \
        "$(echo "$cut" | field high)$all"
    done
  )
  own=$(accuracy "advise-$set-printed" "$program")
  echo "$rows" | awk -v chosen="$chosen" -v own="$own" -v printed="$printed" '
    # Of Student, 97.5 %, by degrees of freedom.
    BEGIN {
      split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262", student)
      print "| frozen | test, mean | 95 % of the mean | seeds | advise (validation) | 95 % for a test part |"
      print "|---|---|---|---|---|---|"
    }
    {
      n = NF - 5; sum = 0; squares = 0; list = ""
      for (i = 6; i <= NF; ++i) { sum += $i; list = list sprintf("%s%.1f", i > 6 ? ", " : "", 100 * $i) }
      mean = sum / n
      for (i = 6; i <= NF; ++i) squares += ($i - mean) ^ 2
      wide = n > 1 ? student[n - 1 > 9 ? 9 : n - 1] * sqrt(squares / (n - 1) / n) : 0
      if (NR == 1 || mean > best) { best = mean; at = $1 }
      if ($1 == chosen) { mine = mean; known = $2; low = $4; high = $5 }
      advised = $2 == "unknown" ? "not known |" : sprintf("%s%.1f | %.1f to %.1f", $2 == "trained" ? "" : "~",
                                                          100 * $3, 100 * $4, 100 * $5)
      printf "| %s%s | %.1f | %.1f to %.1f | %s | %s |\n", $1, $1 == chosen ? ", chosen" : "", 100 * mean,
             100 * (mean - wide), 100 * (mean + wide > 1 ? 1 : mean + wide), list, advised
    }
    END {
      printf "\n%s frozen is chosen: %.1f %%, %.1f points below the best (%s frozen, %.1f %%): ", chosen,
             100 * mine, 100 * (best - mine), at, 100 * best
      print (best - mine <= 0.02 ? "within two points" : known == "trained" && best >= low && best <= high ? "inside its interval" : "WORSE")
      printf "its command gives %.1f %%", 100 * own
      if (known == "trained")
        printf ", expected %.1f to %.1f: %s", 100 * low, 100 * high, (own >= low && own <= high ? "inside" : "OUTSIDE")
      printf "\n  %s\n", printed
    }'
}

for one in "$@"; do
  case $one in
    insects)
      advise insects --model squeezenet --weights "$data/squeezenet/squeezenet_v1.0_imagenet_dc.safetensors" \
        --data "folder:$data/hymenoptera" --epochs 6
      ;;
    names) advise names --model textlstm --data "tsv:$data/names/names_ascii.tsv" --epochs 5 ;;
    letters)
      advise letters --model doodlenet --weights "$data/doodlenet/doodlenet.safetensors" \
        --data "idx:$data/emnist_letters_small" --epochs 5
      ;;
    cifar10)
      advise cifar10 --model resnet20 --weights "$data/resnet20/resnet20_cifar10.safetensors" \
        --data "cifar10:$data/cifar10" --labels 200 --epochs 10
      ;;
    *) echo "advise.sh: no set is called $one" >&2; exit 2 ;;
  esac
done
