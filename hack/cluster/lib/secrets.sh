# shellcheck shell=bash
# How this machine reaches package indexes, for the length of one build step: mounted as secrets, so that no image keeps it.

# The Containerfiles mount the bundle there, and pip's settings name it.
BUNDLE_IN_BUILD=/run/secrets/cabundle

machine_bundle() {
  local file
  for file in "${SSL_CERT_FILE:-}" "${PIP_CERT:-}" /etc/ssl/certs/ca-certificates.crt /etc/ssl/cert.pem; do
    if [ -n "$file" ] && [ -s "$file" ]; then
      echo "$file"
      return
    fi
  done
}

# Settings that name a path of this machine (find-links) would mean nothing in a build. pip refuses a key that comes twice, and
# the environment, which pip lists last, wins.
pip_settings() {
  local known='index-url|extra-index-url|trusted-host|timeout|retries|proxy'
  if python3 -m pip --version >/dev/null 2>&1; then
    python3 -m pip config list | sed -nE "s/^(global|install|:env:)\.($known)='(.*)'\$/\2 = \3/p"
  else
    env | sed -nE 's/^PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST)=(.*)$/\1 = \2/p' | awk '{k=tolower($1); gsub("_","-",k); $1=k; print}'
  fi | awk '{last[$1] = $0} END {for (key in last) print last[key]}' | sed 's/\\n/ /g'
}

# secrets_write FOLDER: one file for each secret, named by its id.
secrets_write() {
  local bundle
  bundle=$(machine_bundle)
  chmod 0700 "$1"
  {
    echo '[global]'
    pip_settings
    [ -z "$bundle" ] || echo "cert = $BUNDLE_IN_BUILD"
  } >"$1/pipconf"
  [ -z "$bundle" ] || cp "$bundle" "$1/cabundle"
}
