# shellcheck shell=bash
# The kind cluster: made, found again, or revived after its engine was killed.

CONTROL_PLANE=$CLUSTER-control-plane

kind_nodes() { docker ps --all --quiet --filter "label=io.x-k8s.kind.cluster=$CLUSTER"; }

kubectl_of() { "$(command -v kubectl)" --kubeconfig "$STATE/kubeconfig" --request-timeout=15s "$@"; }

# A cluster whose making was killed half-way has nodes too: the mark is set last.
kind_is_complete() {
  docker exec "$CONTROL_PLANE" cat /kind/complete 2>/dev/null | grep -qx "$(digest_of "$HERE/kind.yaml")"
}

# The engine gives the API server's port anew when it starts a container again, so the file is written each time.
kind_kubeconfig() {
  local port
  port=$(docker port "$CONTROL_PLANE" 6443/tcp | head -n 1) || return 1
  docker exec "$CONTROL_PLANE" cat /etc/kubernetes/admin.conf |
    sed -e "s#server: https://.*#server: https://$port#" -e "s/kubernetes-admin@$CLUSTER/kind-$CLUSTER/" >"$STATE/kubeconfig.partial" || return 1
  chmod 0600 "$STATE/kubeconfig.partial"
  mv -f "$STATE/kubeconfig.partial" "$STATE/kubeconfig"
}

kind_ready() {
  local ready
  ready=$(docker exec "$CONTROL_PLANE" kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=5s get nodes --no-headers 2>/dev/null |
    awk '$2 ~ /^Ready/ {n++} END {print n + 0}') || return 1
  [ "$ready" = 3 ]
}

kind_is_up() { kind_is_complete && kind_ready && kind_kubeconfig; }

# Nodes whose engine was killed start again with what they held.
kind_revive() {
  local nodes try
  nodes=$(kind_nodes)
  [ -n "$nodes" ] || return 1
  # shellcheck disable=SC2086
  docker start $nodes >/dev/null 2>&1 || return 1
  kind_is_complete || return 1
  say 'the nodes were stopped: waiting for them to come back'
  for try in {1..60}; do
    # A node that comes back says Ready from memory until its lease runs out, hence the second look at the API itself.
    if [ "$try" -gt 5 ] && kind_is_up && kubectl_of get --raw /readyz >/dev/null 2>&1; then return; fi
    sleep 2
  done
  say 'they did not'
  return 1
}

kind_create() {
  local image=$1 config=$STATE/kind.yaml
  if [ -n "$(kind_nodes)" ]; then
    say 'removing what is left of an earlier cluster'
    quietly kind-delete kind delete cluster --name "$CLUSTER"
  fi
  say "creating cluster $CLUSTER of three nodes"
  cp "$HERE/kind.yaml" "$config"
  quietly kind-create kind create cluster --name "$CLUSTER" --config "$config" --image "$image" \
    --kubeconfig "$STATE/kind-kubeconfig" --wait 180s --retain
  rm -f "$STATE/kind-kubeconfig"
  kind_kubeconfig
  # kind waits for the control plane only.
  say 'waiting for the pools, DNS and storage'
  kubectl_of --request-timeout=0 wait --for=condition=Ready node --all --timeout=120s >/dev/null
  kubectl_of --request-timeout=0 -n kube-system rollout status deployment/coredns --timeout=120s >/dev/null
  kubectl_of --request-timeout=0 -n local-path-storage rollout status deployment/local-path-provisioner --timeout=120s >/dev/null
  docker exec "$CONTROL_PLANE" sh -c "echo $(digest_of "$HERE/kind.yaml") >/kind/complete"
}

# The gpu pool: kept free of what does not ask for it, and offering two devices that are not there. The scheduler and the kubelet
# take an extended resource of a node's status at its word; a kubelet that starts anew drops it, so it is patched on every run.
kind_pools() {
  local node
  for node in $(kubectl_of get nodes -l alidade.dev/pool=gpu -o jsonpath='{.items[*].metadata.name}'); do
    kubectl_of taint node "$node" nvidia.com/gpu=present:NoSchedule --overwrite >/dev/null
    kubectl_of patch node "$node" --subresource=status --type=merge -p \
      '{"status":{"capacity":{"nvidia.com/gpu":"2"},"allocatable":{"nvidia.com/gpu":"2"}}}' >/dev/null
  done
}
