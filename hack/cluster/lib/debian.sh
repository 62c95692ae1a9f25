# shellcheck shell=bash
# Debian packages: on the machine itself, and as the root file systems that images start from where no image can be pulled.

debian_install() {
  [ -e /etc/debian_version ] || die "install Docker, or set KUBECONFIG to a cluster: only on Debian can this tool install $*"
  export DEBIAN_FRONTEND=noninteractive
  mkdir -p "$CACHE/lock"
  # Two at once would refuse each other; a service that a package starts is not to keep the lock.
  (
    flock 7
    quietly apt-update as_root apt-get update
    quietly apt-install as_root apt-get install --yes --no-install-recommends "$@" 7>&-
  ) 7>"$CACHE/lock/apt" || exit 1
}

# The sources are the machine's own, as it may reach Debian by a mirror; so are the settings that say how.
debian_sources() {
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ ! -r "$file" ] || grep -hE '^deb .*debian' "$file" || true
  done
}

# debian_rootfs NAME PACKAGE...: prints the path of a tar, made once for each list of packages and release of Debian.
debian_rootfs() {
  local name=$1 tar source options=() release
  shift
  # shellcheck source=/dev/null
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  tar=$CACHE/rootfs/$name-$release-$(digest_of <(echo "$release $*") "${BASH_SOURCE[0]}").tar
  if [ ! -e "$tar" ]; then
    command -v mmdebstrap >/dev/null || debian_install mmdebstrap
    mkdir -p "$CACHE/rootfs"
    say "making the $name root file system from Debian packages"
    for source in /etc/apt/sources.list.d/*.sources; do
      [ ! -r "$source" ] || ! grep -q '^URIs:.*debian' "$source" || options+=("$source")
    done
    debian_sources >"$CACHE/rootfs/machine.list"
    [ ! -s "$CACHE/rootfs/machine.list" ] || options+=("$CACHE/rootfs/machine.list")
    while read -r source; do
      options+=("--aptopt=$source")
    done < <(apt-config dump | grep -E '^Acquire::(http|https)::' || true)
    # shellcheck disable=SC2016 # the hooks are run by mmdebstrap, which names the folder
    # Documentation and translations would be a third of it; licences stay.
    quietly "rootfs-$name" as_root mmdebstrap --format=tar --variant=minbase --include="$(IFS=, && echo "$*")" \
      --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
      --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
      --customize-hook='rm -rf "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*' \
      --customize-hook='rm -f "$1"/etc/resolv.conf "$1"/etc/hostname' \
      "$release" "$tar.partial" "${options[@]}"
    mv "$tar.partial" "$tar"
  fi
  keep_fresh "$tar"
  echo "$tar"
}
