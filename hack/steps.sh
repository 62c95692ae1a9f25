# shellcheck shell=bash
# The steps of `make test`, with how long each took: for hack/test and for CI, which has caches of its own.
#
# Two things take most of the time and need little of each other: what needs no cluster (lint, unit tests, integration tests), and the way to a
# cluster (Go programs, images). The second runs beside the first, its output kept until it has ended; the tests that run there come last, as they
# and the others would only take the processor from each other.
source hack/cluster/lib/common.sh

# begin_steps FOLDER: notes of steps, and the output of those beside others, are kept there.
begin_steps() {
  notes=$1 begun_with=$(free) before=$(busy)
  beside=
  mkdir -p "$notes"
  rm -f "$notes"/{times,*.log,programs}
  touch "$notes/times"
}

# free: GB that are free where all is made.
free() { echo $(($(free_in "$notes") >> 30)); }

# own: into $spent, seconds of the processor that what this shell ran and waited for took so far. Not among them: what runs in the nodes.
own() {
  local told
  told=$(mktemp "$notes/own.XXXXXX")
  # Another shell, as $(times) would be, has no children.
  times >"$told"
  spent=$(awk 'NR == 2 {gsub(/[ms]/, " "); print int($1 * 60 + $2 + $3 * 60 + $4)}' "$told")
  rm -f "$told"
}

# busy: seconds of the processor that the whole machine has spent since it started, all cores together.
busy() { awk '/^cpu / {print int(($2 + $3 + $4 + $7 + $8) / 100)}' /proc/stat 2>/dev/null || echo 0; }

# timed NAME COMMAND...: runs it, takes its time, and looks at what it left of the disk.
timed() {
  local name=$1 begun=$SECONDS status=0 spent owned worked took
  own
  owned=$spent worked=$(busy)
  shift
  "$@" || status=$?
  took=$((SECONDS - begun))
  own
  printf '%s\t%d\t%d\t%d\t%d\t%d\n' "$name" "$took" $((spent - owned)) $(($(busy) - worked)) "$(free)" "$status" >>"$notes/times"
  return "$status"
}

step() {
  local name=$1
  still_well
  printf '\n=== %s\n' "$name" >&2
  timed "$@"
}

# still_well: what runs beside the steps has not failed, or its output is told and all ends.
still_well() {
  [ ! -e "$notes/failed" ] || await
}

# await: what runs beside the steps has to be done, and done well.
await() {
  local name
  [ -n "$beside" ] || return 0
  wait "$beside" && beside= && return
  name=$(cat "$notes/failed")
  tail -n 400 "$notes/$name.log" >&2
  die "failed: $name"
}

# aside NAME COMMAND...: a step beside others.
aside() {
  timed "$1 (beside others)" "${@:2}" >"$notes/$1.log" 2>&1 && return
  echo "$1" >"$notes/failed"
  return 1
}

# after_programs: what CI does once nothing is left to compile.
after_programs() { :; }

programs() { hack/cluster/binaries && hack/cluster/binaries kueue; }
export -f programs

# What else is made while the compiler takes the processor takes the network.
all_beside() {
  local pid making=()
  aside environment-of-the-worker nice -n 10 hack/venv worker-dev &
  making+=($!)
  aside data nice -n 10 examples/mnist/fetch-data &
  making+=($!)
  # On the compiler waits what takes longest of all.
  aside programs bash -c programs || return
  after_programs
  touch "$notes/programs"
  for pid in "${making[@]}"; do
    wait "$pid" || return
  done
  aside deploy make deploy
}

until_compiled() {
  until [ -e "$notes/programs" ]; do
    still_well
    sleep 0.2
  done
}

all_steps() {
  rm -f "$notes/failed"
  # In a group of its own, so that all of it can be ended.
  set -m
  all_beside &
  set +m
  beside=$!
  step environment hack/venv dev
  step lint make lint
  step verify make verify
  step test-unit make test-unit
  step 'wait for the compiler' until_compiled
  step test-integration make test-integration
  step 'wait for the cluster' await
  step test-e2e make test-e2e
}

# end_beside: ends what still runs beside the steps, and gives it the time to: one of them may have failed and others not.
end_beside() {
  [ -n "$beside" ] || return 0
  kill -- "-$beside" 2>/dev/null || true
  wait "$beside" 2>/dev/null || true
  for _ in {1..50}; do
    kill -0 -- "-$beside" 2>/dev/null || break
    sleep 0.1
  done
}

# table: how long each step took. What ran beside others has its share of what the machine did in each of them.
table() {
  printf '\n%8s %8s %8s %8s  %s\n' seconds 'its cpu' 'all cpu' 'GB free' step
  printf '%8d %8s %8s %8d  %s\n' 0 - - "$begun_with" 'before all of it'
  awk -F '\t' '{printf "%8d %8d %8d %8d  %s%s\n", $2, $3, $4, $5, $1, $6 ? ": failed" : ""}' "$notes/times"
  printf '%8d %8s %8d %8s  %s\n' "$SECONDS" - $(($(busy) - before)) - 'all of it'
}
