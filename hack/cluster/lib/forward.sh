# shellcheck shell=bash
# A port of localhost that leads to a Service, for as long as the script runs that asks for it.

# forward NAMESPACE SERVICE LOCAL:REMOTE: leaves its process in FORWARD; a connection that breaks is made anew.
forward() {
  # A process group of its own, so that kubectl goes with the loop.
  set -m
  (while :; do
    kubectl --namespace "$1" port-forward "service/$2" "$3" >/dev/null 2>&1 || sleep 1
  done) &
  set +m
  FORWARD=$!
  trap 'kill -- -$FORWARD 2>/dev/null || true' EXIT
}
