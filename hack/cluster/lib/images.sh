# shellcheck shell=bash
# Images: what can be pulled, and what starts from Debian packages where nothing can.

PUBLIC_BASE=docker.io/library/python:3.11-slim

# Asking a registry that is not there may take seconds, and the answer seldom changes while a cluster lives.
pullable() {
  local image=$1 memo
  docker image inspect "$image" >/dev/null 2>&1 && return
  memo=$STATE/pullable/$(printf %s "$image" | sha256sum | cut -c1-16)
  mkdir -p "$STATE/pullable"
  if [ ! -e "$memo" ]; then
    if timeout 20 docker manifest inspect "$image" >/dev/null 2>&1; then echo yes; else echo no; fi >"$memo"
  fi
  [ "$(cat "$memo")" = yes ]
}

have_image() { docker image inspect "$1" >/dev/null 2>&1; }

# Prints the image that every image of the project starts from.
base_image() {
  local tar tag
  if pullable $PUBLIC_BASE; then
    echo $PUBLIC_BASE
    return
  fi
  tar=$(debian_rootfs base python3 python3-venv python3-pip ca-certificates git xz-utils bzip2 tini)
  tag=localhost/alidade-base:$(basename "${tar%.tar}" | sed 's/^base-//')
  if ! have_image "$tag"; then
    say "no base image can be pulled: making $tag from Debian packages"
    quietly import-base docker import --change 'ENV LANG=C.UTF-8' --change \
      'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' "$tar" "$tag"
  fi
  echo "$tag"
}

node_rootfs() {
  debian_rootfs node systemd systemd-sysv dbus containerd runc conntrack iptables nftables iproute2 ethtool socat util-linux mount \
    kmod procps hostname e2fsprogs curl ca-certificates jq rsync busybox-static catatonit
}

# Prints the name of kind's node image, built here from the programs in BIN and Debian packages.
node_image() {
  local bin=$1 rootfs tag
  rootfs=$(node_rootfs)
  tag=kindest/node:$KUBERNETES_VERSION-$(digest_of <(basename -a "$bin" "$rootfs") "$HERE"/node/{Containerfile,build,control-plane-images,crictl,pod-network} \
    "$HERE"/node/manifests/*)
  if ! have_image "$tag"; then
    say "building kind's node image, Kubernetes $KUBERNETES_VERSION"
    quietly node-image "$HERE/node/build" "$tag" "$bin" "$rootfs"
    # One is 2 GB; an earlier one is wanted by nobody but a cluster that still runs it, and that one stays.
    docker images --format '{{.Repository}}:{{.Tag}}' kindest/node | grep -F ":$KUBERNETES_VERSION-" | grep -vxF "$tag" |
      xargs -r docker rmi >/dev/null 2>&1 || true
  fi
  echo "$tag"
}
