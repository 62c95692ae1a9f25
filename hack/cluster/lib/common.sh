# shellcheck shell=bash
# Shared by the scripts of this folder: where things are, how they speak, how they fail.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
REPO=$(cd "$HERE/../.." && pwd)
STATE=$REPO/.cluster
CACHE=${ALIDADE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/alidade}
CLUSTER=alidade
# A Unix socket's path is limited to 108 bytes, which a deep checkout exceeds: the private engine lives in a short one.
ENGINE_RUN=/run/alidade
export CACHE CLUSTER ENGINE_RUN

# shellcheck source=../versions.env
source "$HERE/versions.env"

# macOS lacks what every Linux has.
command -v timeout >/dev/null || timeout() { shift && "$@"; }
command -v sha256sum >/dev/null || sha256sum() { shasum -a 256; }

say() { printf '[%3ds] %s\n' "$SECONDS" "$*" >&2; }

die() {
  printf 'hack/cluster: %s\n' "$*" >&2
  exit 1
}

# The whole output of a step is worth reading only when the step fails.
quietly() {
  local log=$STATE/log/$1.log
  shift
  mkdir -p "$STATE/log"
  "$@" >"$log" 2>&1 && return
  tail -n 25 "$log" >&2
  die "failed: $* (all of its output: $log)"
}

# The few steps that need root ask for it themselves, so that on a machine with an engine nothing does.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo --preserve-env=ALIDADE_CACHE,DEBIAN_FRONTEND,http_proxy,https_proxy,no_proxy "$@"
  else
    die "needs root for: $* (neither root nor sudo here)"
  fi
}

# meanwhile NAME COMMAND...: runs it beside what follows. Its output is kept, so that no two are mixed.
meanwhile() {
  local name=$1
  shift
  mkdir -p "$STATE/log"
  # In a group of its own, so that all of it can be ended.
  set -m
  "$@" >"$STATE/log/$name.log" 2>&1 &
  set +m
  MEANWHILE+=("$! $name")
  trap end_meanwhile EXIT
}
MEANWHILE=()

# finished: all that was begun so has to be done, and done well.
finished() {
  local each pid name
  for each in ${MEANWHILE[@]+"${MEANWHILE[@]}"}; do
    read -r pid name <<<"$each"
    wait "$pid" && continue
    tail -n 25 "$STATE/log/$name.log" >&2
    die "failed: $name (all of its output: $STATE/log/$name.log)"
  done
  MEANWHILE=()
}

end_meanwhile() {
  local each
  for each in ${MEANWHILE[@]+"${MEANWHILE[@]}"}; do
    kill -- "-${each%% *}" 2>/dev/null || true
  done
}

# Two runs at once would build the same thing twice and start two engines.
only_one() {
  command -v flock >/dev/null || return 0
  mkdir -p "$CACHE/lock"
  exec 9>"$CACHE/lock/$1"
  flock -n 9 || {
    say "waiting for another run of $1"
    flock 9
  }
}

# The cache holds one of each for every set of inputs; what no run has asked for in two weeks goes.
keep_fresh() {
  touch "$1"
  find "$(dirname "$1")" -mindepth 1 -maxdepth 1 -mtime +14 -exec rm -rf {} + 2>/dev/null || true
}

# module_folder TOOLS MODULE: prints where the sources of a Go module are that tools/TOOLS pins. Go knows no folder of a module that it has
# not downloaded, and says so by an empty line.
module_folder() {
  local go=(env GOFLAGS=-mod=readonly GOWORK=off go -C "$HERE/tools/$1")
  "${go[@]}" mod download "$2" && "${go[@]}" list -m -f '{{.Dir}}' "$2"
}

# free_in FOLDER: prints how many bytes are free on its disk.
free_in() { echo $(($(df -Pk "$1" | awk 'END {print $4}') << 10)); }

digest_of() { cat "$@" | sha256sum | cut -c1-16; }
