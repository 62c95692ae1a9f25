# shellcheck shell=bash
# engine_answers CLIENT...: whether an engine answers this client. One that is not there says so at once; one on a busy machine takes
# its time, but a question without an answer does not keep from asking again.
engine_answers() {
  timeout 60 "$@" version --format '{{.Server.Version}}' >/dev/null 2>&1
}
