#!/usr/bin/env bash
# Installs the build into a scratch prefix, then configures, builds and runs examples/out_of_tree against it.
# Usage: package_test.sh <build folder> <ON|OFF: built with LibTorch>
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=$1
with_torch=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$build" --prefix "$scratch/prefix" >"$scratch/install.log"

# The example is copied out of the tree, so that nothing of the tree can be found by accident.
cp -r "$root/examples/out_of_tree" "$scratch/example"
cmake -S "$scratch/example" -B "$scratch/build" -G Ninja -DCMAKE_PREFIX_PATH="$scratch/prefix" -DCMAKE_BUILD_TYPE=Release
cmake --build "$scratch/build" -j 2
"$scratch/build/walk" | tee "$scratch/out.txt"

fail() {
  echo "$*" >&2
  exit 1
}
# Seven steps at -1 each reach the eighth cell.
grep -qx 'Corridor-v0 always right: -7' "$scratch/out.txt" || fail "the example's own environment gave another return"
# gymnasium.make("CartPole-v1").reset(seed=42)
grep -qx 'CartPole-v1 seed 42: 0.02739560 -0.00611216 0.03585979 0.01973680' "$scratch/out.txt" ||
  fail "the installed CartPole differs from Gymnasium's"
if [[ $with_torch == ON ]]; then
  "$scratch/build/learn" | tee "$scratch/learned.txt"
  # A line "<agent> <mean return>" whose return is above (>) or below (<) the bound.
  return_is() {
    awk -v agent="$1" -v above="$([[ $2 == '>' ]] && echo 1 || echo 0)" -v bound="$3" \
      '$1 == agent { good = above ? $2 > bound : $2 < bound } END { exit !good }' "$scratch/learned.txt"
  }
  # Seven steps forward, each of which slips with probability 0.1: the best mean return is -7 / 0.9, about -7.8.
  for agent in my_q_learning ppo; do
    return_is $agent '>' -9 || fail "$agent has not learned the example's environment"
  done
  return_is random '<' -30 || fail "random actions do as well, so learning is not shown"
  "$scratch/prefix/bin/corvid" list envs --json | grep -q CartPole-v1 || fail "the installed program does not run"
fi
if grep -rlF "$root" "$scratch/prefix/include" "$scratch/prefix/lib/cmake" "$scratch"/prefix/lib/*/cmake 2>/dev/null |
  grep -v 'corvidConfig.cmake$'; then
  fail "these installed files name the source tree"
fi
echo "package works"
