#!/usr/bin/env bash
# Set Camfleet up on this host, start it in order, and look after it. All but installing is done by deploy.supervisor.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
venv="$root/.venv"
installed_mark="$venv/.camfleet-installed"
needed_programs=(mosquitto nginx)
test_packages=(
    mosquitto nginx mosquitto-clients shellcheck logrotate chromium fonts-dejavu-core ffmpeg python3-gi openssl
    postgresql
    gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
    gstreamer1.0-plugins-ugly gstreamer1.0-libav
)
export PATH="$PATH:/usr/sbin:/sbin"

usage() {
    cat <<'TEXT'
Usage: ./managed_start.sh COMMAND

  setup                 install what is missing, make .venv, databases, CAs and certificates
  demo                  start everything and three demo cameras on a recorded clip
  start [--foreground]  start everything and return once it is healthy (or stay until Ctrl-C)
  stop                  stop everything in reverse order; nothing is left running
  restart               stop, then start
  status [--json]       what runs: exit 0 all healthy, 1 degraded, 3 not running
  logs [PROGRAM]        follow the log files, or one program's
  doctor                look for what commonly goes wrong, with the fix
  test                  install what tests need, then run linters, types and all tests
  acceptance [NAME]     run the acceptance counts (all, or NAME); results go to bench/results/

State lies in CAMFLEET_HOME (default .camfleet beside this script). Settings are CAMFLEET_* variables.
TEXT
}

say() { printf 'managed_start: %s\n' "$*" >&2; }

fail() {
    say "$1"
    exit "${2:-1}"
}

refuse_usage() { fail "$1; see ./managed_start.sh --help" 2; }

# --- system packages -------------------------------------------------------------------------------------------

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() {
    [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

missing_packages() {
    local package
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

policy=/usr/sbin/policy-rc.d

remove_policy() { as_root rm -f "$policy"; }

# Debian starts a service as soon as its package is there; a policy of ours forbids that while we install.
forbid_service_starts() {
    [ -e "$policy" ] && return
    trap remove_policy EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}

install_packages() {
    local command="apt-get install -y --no-install-recommends $*"
    command -v apt-get >/dev/null || fail "please install with your system's packages: $*"
    can_be_root || fail "not root and no sudo; please run once: sudo $command"
    say "installing $*"
    forbid_service_starts
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >&2 ||
        fail "the packages could not be installed; please run: $command"
    disable_services "$@"
    if [ -n "$(trap -p EXIT)" ]; then
        remove_policy
        trap - EXIT
    fi
}

# Our supervisor runs its own broker and nginx; the system's should not come up at the next boot either.
disable_services() {
    local package
    [ -d /run/systemd/system ] || return 0
    for package in "$@"; do
        case $package in
            mosquitto | nginx) as_root systemctl disable --quiet "$package" ;;
        esac
    done
}

install_programs() {
    local program missing=()
    for program in "${needed_programs[@]}"; do
        command -v "$program" >/dev/null || missing+=("$program")
    done
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

# --- python ----------------------------------------------------------------------------------------------------

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in python3.11 python3 python3.12 python3.13 python3.14; do
        if command -v "$candidate" >/dev/null && is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed; on Debian 12: sudo apt-get install python3"
}

make_venv() {
    local python
    [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 && return
    python="$(find_python)"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        install_packages python3-venv
    fi
    say "making .venv"
    "$python" -m venv --clear "$venv"
}

pip_install() {
    "$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --root-user-action=ignore "$@" ||
        fail "the Python packages could not be installed; is the package index reachable?"
}

# What was installed is remembered by the content of the files that asked for it.
content_mark() {
    cat "$root/requirements.txt" "$root/pyproject.toml" | sha256sum
}

install_python() {
    make_venv
    [ -x "$venv/bin/camfleet" ] && [ "$(content_mark)" = "$(cat "$installed_mark" 2>/dev/null)" ] && return
    say "installing Python packages"
    pip_install -r "$root/requirements.txt"
    pip_install --no-deps -e "$root"
    content_mark >"$installed_mark"
}

install_test_python() {
    local mark="$venv/.camfleet-tests-installed" wanted
    wanted="$(sha256sum <"$root/tests/requirements.txt")"
    [ "$wanted" = "$(cat "$mark" 2>/dev/null)" ] && return
    say "installing Python packages for tests"
    pip_install -r "$root/tests/requirements.txt"
    echo "$wanted" >"$mark"
}

# --- commands --------------------------------------------------------------------------------------------------

supervise() { "$venv/bin/python" -m deploy.supervisor "$@"; }

install_all() {
    install_programs
    install_python
}

setup() {
    install_all
    supervise setup
}

need_installation() {
    [ -x "$venv/bin/camfleet" ] || fail "not set up yet; run ./managed_start.sh setup"
}

install_for_tests() {
    local missing
    if command -v dpkg-query >/dev/null; then
        missing="$(missing_packages "${test_packages[@]}")"
        # shellcheck disable=SC2086 # one word per package
        [ -z "$missing" ] || install_packages $missing
    fi
    install_all
    install_test_python
}

run_tests() {
    install_for_tests
    "$venv/bin/ruff" check .
    "$venv/bin/mypy"
    shellcheck managed_start.sh .ci/run
    # Two at a time, a file on one worker: most tests wait for servers that they started.
    "$venv/bin/python" -m pytest -n 2 --dist loadfile
}

run_acceptance() {
    install_for_tests
    "$venv/bin/python" -m bench.acceptance "$@"
}

# Each command names how many plain arguments it takes and which flags it knows.
check_arguments() {
    local command="$1" most="$2" flags="$3" plain=0 argument
    shift 3
    for argument in "$@"; do
        case $argument in
            -*) [[ " $flags " == *" $argument "* ]] || refuse_usage "$command knows no flag $argument" ;;
            *) plain=$((plain + 1)) ;;
        esac
    done
    [ "$plain" -le "$most" ] || refuse_usage "$command takes at most $most argument(s)"
}

main() {
    local command="${1:---help}"
    [ $# -eq 0 ] || shift
    case " $* " in *" --help "* | *" -h "*) command=--help ;; esac
    case $command in
        -h | --help | help)
            usage
            exit
            ;;
        start) check_arguments "$command" 0 "--foreground" "$@" ;;
        status) check_arguments "$command" 0 "--json" "$@" ;;
        logs | acceptance) check_arguments "$command" 1 "" "$@" ;;
        setup | demo | stop | restart | doctor | test) check_arguments "$command" 0 "" "$@" ;;
        *) refuse_usage "unknown command $command" ;;
    esac
    CAMFLEET_HOME="$(realpath -m "${CAMFLEET_HOME:-$root/.camfleet}")"
    export CAMFLEET_HOME
    cd "$root"
    case $command in
        setup) setup ;;
        start | demo | restart)
            install_all
            supervise "$command" "$@"
            ;;
        stop | status | logs | doctor)
            need_installation
            supervise "$command" "$@"
            ;;
        test) run_tests ;;
        acceptance) run_acceptance "$@" ;;
    esac
}

main "$@"
