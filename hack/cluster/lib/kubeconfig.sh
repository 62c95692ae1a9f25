# shellcheck shell=bash
# Which cluster KUBECONFIG means.

# given_kubeconfig PATHS: prints KUBECONFIG without this tool's own file, or nothing if it means no cluster but the tool's own.
#
# Users' shells point at what an earlier run wrote, also after `down` has taken that away, and by any name of it. Of several files the first
# that is there says which cluster is meant, as it does for kubectl; where that is ours, a cluster named behind it is not to be touched.
given_kubeconfig() {
  local paths=$1 own path others=() meant=
  own=$(canonical "$STATE/kubeconfig")
  while read -r -d : path; do
    if [ -z "$path" ]; then
      continue
    elif [ "$(canonical "$path")" = "$own" ]; then
      [ -n "$meant" ] || return 0
    else
      others+=("$path")
      [ ! -e "$path" ] || meant=$path
    fi
  done <<<"$paths:"
  (IFS=: && echo "${others[*]-}")
}

# The path without links, `.` and `..`, whether there is such a file or not.
canonical() {
  readlink -f "$1" || echo "$1"
}
