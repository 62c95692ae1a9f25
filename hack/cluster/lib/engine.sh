# shellcheck shell=bash disable=SC2034
# The container engine: the machine's own where one answers, else Docker from Debian, started privately.
# After `engine_find` or `engine_start`, `docker` is a client that reaches it, and ENGINE is `machine` or `private`.

ENGINE=none

engine_use_private() {
  # A client from elsewhere may come first in PATH without the BuildKit that Debian's has built in.
  mkdir -p "$STATE/engine-bin"
  ln -sfn /usr/bin/docker "$STATE/engine-bin/docker"
  export PATH=$STATE/engine-bin:$PATH DOCKER_HOST=unix://$ENGINE_RUN/docker.sock DOCKER_CONFIG=$STATE/docker-config
  mkdir -p "$DOCKER_CONFIG"
  ENGINE=private
}

# shellcheck source=engine-answers.sh
source "$HERE/lib/engine-answers.sh"

engine_private_answers() {
  [ -S "$ENGINE_RUN/docker.sock" ] && [ -x /usr/bin/docker ] && engine_answers /usr/bin/docker -H "unix://$ENGINE_RUN/docker.sock"
}

engine_machine_answers() {
  command -v docker >/dev/null && engine_answers docker
}

engine_find() {
  export DOCKER_BUILDKIT=1
  if engine_private_answers; then
    engine_use_private
  elif engine_machine_answers; then
    ENGINE=machine
  else
    return 1
  fi
}

engine_start() {
  engine_find && return
  [ "$(uname -s)" = Linux ] || die 'no container engine answers: start Docker, or set KUBECONFIG to a cluster'
  # Images are built while the cluster is brought up: the engine is started by one of them.
  mkdir -p "$CACHE/lock"
  exec 8>"$CACHE/lock/engine"
  flock 8
  engine_find || engine_start_alone 8>&-
  exec 8>&-
}

engine_start_alone() {
  if ! dpkg-query -W -f '${Status}\n' docker.io iptables nftables jq 2>/dev/null | awk '/ok installed/{n++} END{exit n<4}'; then
    say 'no container engine here: installing Docker from Debian'
    debian_install docker.io iptables nftables jq procps
    # Where systemd runs, the package has started the engine, and it is the machine's now.
    if engine_machine_answers; then
      ENGINE=machine
      return
    fi
  fi
  say 'starting a private Docker engine'
  as_root "$HERE/lib/private-engine" start "$CACHE/docker" "$(id -g)"
  engine_use_private
}
