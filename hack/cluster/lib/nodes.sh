# shellcheck shell=bash
# Nodes as the containers that they are.

# After it `docker` reaches the node of this name.
find_node() {
  engine_find || die 'no container engine answers: this needs nodes that `up` made'
  docker inspect "$1" >/dev/null 2>&1 || die "no container is called $1: this needs nodes that \`up\` made"
}
