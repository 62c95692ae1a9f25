# shellcheck shell=bash
# Nodes as the containers that they are.

# After it `docker` reaches the node of this name.
find_node() {
  local only='this works with nodes that hack/cluster/up made'
  engine_find || die "no container engine answers: $only"
  docker inspect "$1" >/dev/null 2>&1 || die "no container is called $1: $only"
}
