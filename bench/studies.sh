#!/bin/sh
# The studies of docs/study.md on real data, each a `firn study` of its own in the folder runs/ here.
set -eu

usage() {
  cat <<'END'
usage: studies.sh [-n] FIRN DATA [STUDY...]

Runs these studies, or all of them, and prints what each found. FIRN is the program, DATA the folder that holds
what the studies name below. Killed at any moment, the same command goes on.

  -n         say how many cells, and how long, and do nothing

  korean     doodle_korean/, doodlenet/   sketch features to 40 Korean characters
  fashion    doodlenet/                   the same features to Fashion-MNIST (package dataset-fashion-mnist)
  mnist      mnist/, doodlenet/           the same features to handwritten digits
  letters    emnist_letters_small/, doodlenet/   the same features to handwritten letters
  darwin     charrnn/, text_corpora/      Shakespeare's character model to little of Darwin's text
  names      names/                       half of the languages of surnames to the other half
  insects    hymenoptera/, squeezenet/    ImageNet's features to ants and bees
  cifar10    cifar10/                     policies that decide while training, residual network
  claims-fashion, claims-mnist, claims-letters, claims-cifar10, claims-names
                                          all six claims on one set, as `--preset claims` has them

  bench/studies.sh build/release/tools/firn ../shared/data korean mnist
END
}

dry=
while getopts nh option; do
  case $option in
    n) dry=1 ;;
    h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || { usage >&2; exit 2; }
firn=$1 data=$2
shift 2
doodlenet=$data/doodlenet/doodlenet.safetensors

# study NAME OPTION...
study() {
  name=$1
  shift
  printf '\n%s: firn study --run %s %s\n' "$name" "$name" "$*"
  if [ -n "$dry" ]; then
    "$firn" study --run "$name" "$@" --dry-run
  else
    "$firn" study --run "$name" "$@"
  fi
}

korean() {
  study korean --data "bitmaps:$data/doodle_korean" --model doodlenet --weights "$doodlenet" --labels 1,5,15 \
    --freeze 0,2,4,6,7 --seeds 5 --steps 400 --batch 16 --rate 3e-4,1e-3,3e-3
}
fashion() {
  study fashion --data fashion-mnist --model doodlenet --weights "$doodlenet" --labels 5,20 --freeze 0,2,4,6,7 \
    --seeds 5 --rate 5e-4,2e-3,8e-3
}
mnist() {
  study mnist --data "idx:$data/mnist" --model doodlenet --weights "$doodlenet" --labels 5,20 --freeze 0,2,4,6,7 \
    --seeds 5 --rate 5e-4,2e-3,8e-3
}
letters() {
  study letters --data "idx:$data/emnist_letters_small" --model doodlenet --weights "$doodlenet" --labels 5,20 \
    --freeze 0,2,4,6,7 --seeds 5 --rate 5e-4,2e-3,8e-3
}
darwin() {
  study darwin --data "text:$data/text_corpora/darwin.txt" --model charrnn \
    --weights "$data/charrnn/charrnn_shakespeare.safetensors" --labels 20,200 --freeze 0,1,2,3 --seeds 5 --steps 600 \
    --batch 16 --rate 5e-4,2e-3,8e-3 --test-samples 200
}
names() {
  study names --data "tsv:$data/names/names_ascii.tsv" --labels 5,20,all --seeds 5 --rate 5e-4,2e-3,8e-3
}
insects() {
  study insects --data "folder:$data/hymenoptera" --model squeezenet \
    --weights "$data/squeezenet/squeezenet_v1.0_imagenet_dc.safetensors" --labels 10 --freeze 0,5,9 --seeds 5 \
    --steps 40 --batch 8 --rate 5e-4
}
cifar10() {
  study cifar10 --preset adaptive --data "cifar10:$data/cifar10" --model resnet20 --source half --labels 400 \
    --policy freezeout,t0=0.75 --policy freezeout,t0=0.7 --policy slimfit --seeds 5 --steps 600 --batch 64 --rate 1e-3 \
    --source-epochs 4 --test-samples 1000
}

claims() {
  name=$1
  shift
  study "claims-$name" --preset claims --seeds 5 --source-epochs 2 "$@"
}

[ $# -gt 0 ] || set -- korean fashion mnist letters darwin names insects cifar10 claims-fashion claims-mnist \
  claims-letters claims-cifar10 claims-names
for one in "$@"; do
  case $one in
    korean | fashion | mnist | letters | darwin | names | insects | cifar10) "$one" ;;
    claims-fashion) claims fashion --data fashion-mnist ;;
    claims-mnist) claims mnist --data "idx:$data/mnist" ;;
    claims-letters) claims letters --data "idx:$data/emnist_letters_small" ;;
    claims-cifar10) claims cifar10 --data "cifar10:$data/cifar10" ;;
    claims-names) claims names --data "tsv:$data/names/names_ascii.tsv" ;;
    *) echo "studies.sh: no study is called $one" >&2; exit 2 ;;
  esac
done
