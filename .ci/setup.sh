# Sets up what `run` and `test` need; both source this file after `set -eu`.
# POSIX sh: a bare Debian has nothing else. The caller has set `here`, the checkout's absolute path.
# shellcheck shell=sh
# shellcheck disable=SC2154  # `here` comes from the caller

venv=$here/.venv
state=$here/.cache/setup                  # by what lies here the next set-up knows of an interrupted one
policy=/usr/sbin/policy-rc.d              # Debian asks it before it starts a service
policy_saved=$policy.before-sidegate
protocols=/usr/share/dovecot/protocols.d  # what Debian's Dovecot packages switch on by being there

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$@"
    exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

# ---- What is missing: each prints the Debian packages to install.

missing_python() {
    if [ ! -x "$venv/bin/python3" ] && ! find_python >/dev/null; then printf 'python3 python3-venv '; fi
}

missing_dovecot() {
    if ! command -v apt-get >/dev/null; then return; fi # where others put it, `sidegate` itself looks
    for part in core:/usr/sbin/dovecot imapd:/usr/lib/dovecot/imap pop3d:/usr/lib/dovecot/pop3 \
        submissiond:/usr/lib/dovecot/submission lmtpd:/usr/lib/dovecot/lmtp; do
        [ -x "${part#*:}" ] || printf 'dovecot-%s ' "${part%%:*}"
    done
}

# PACKAGE:PROGRAM …
missing_programs() {
    for part in "$@"; do
        command -v "${part#*:}" >/dev/null || printf '%s ' "${part%%:*}"
    done
}

# ---- The whole.

# set_up run|test PACKAGES: when it returns, the Debian packages are there and .venv is ready.
set_up() {
    if set_up_already "$@"; then return; fi
    if ! mkdir -p -- "$state" 2>/dev/null || [ ! -w "$state" ] || [ ! -w "$here" ]; then
        fail "$(id -un) cannot write to $here: set it up as its owner, or in a checkout of your own."
    fi
    exec 9>"$state/lock"
    if command -v flock >/dev/null && ! flock -n 9; then
        say "Waiting for another set-up of $here to finish."
        flock 9
    fi
    if ! set_up_already "$@"; then
        set_up_packages "$2" </dev/null >&2
        set_up_environment "$1" </dev/null >&2
    fi
    exec 9>&-
}

set_up_already() {
    [ -z "$2" ] && [ ! -e "$state/packages-before" ] && [ ! -e "$state/environment-unfinished" ] &&
        [ "$(cat -- "$venv/set-up-for-$1" 2>/dev/null)" = "$(fingerprint)" ]
}

# Changes with everything that the environment is made from.
fingerprint() {
    {
        printf '%s\n' "$here"
        readlink -f -- "$venv/bin/python3" || :
        cat -- "$here"/requirements*.txt "$here"/requirements*.in "$here/pyproject.toml" \
            "$here/setup.py" "$here/.ci/setup.sh"
        find "$here/src/sidegate" -name '*.po' -exec sha256sum {} + | sort
    } | sha256sum
}

# ---- Debian packages.

set_up_packages() {
    if [ -e "$state/packages-before" ]; then # an installation was cut short
        is_root || fail "An installation of packages was interrupted: start this as root once more."
        say "Finishing the interrupted installation of packages."
        with_services_held dpkg --configure -a
    fi
    [ -n "$1" ] || return 0
    packages=${1% }
    command -v apt-get >/dev/null ||
        fail "Missing: $packages (names of Debian's packages; only those are installed from here)."
    is_root ||
        fail "Missing packages; as root: apt-get install --no-install-recommends $packages"
    say "Installing Debian packages: $packages"
    case " $packages " in *' postfix '*) unconfigured_postfix ;; esac
    with_services_held install_packages "$packages"
}

# Without this Debian's Postfix would be made a mail server for the Internet.
unconfigured_postfix() {
    printf 'postfix postfix/main_mailer_type select No configuration\n' | debconf-set-selections
}

install_packages() {
    # shellcheck disable=SC2086  # a list of package names
    set -- $1
    if ! apt_get -s install "$@" >/dev/null 2>&1; then apt_get update; fi
    apt_get install "$@" >"$state/packages.log" || {
        apt_get update # the lists were old: what they name is no longer there
        apt_get install "$@" >"$state/packages.log"
    } || fail "The packages could not be installed: see above, and $state/packages.log."
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -qq -y --no-install-recommends \
        --no-remove -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 "$@"
}

# Runs COMMAND so that no service starts by it, and none that it brought starts later. What was
# there before stays as it was. One at a time on a machine: the policy file is the machine's.
with_services_held() {
    exec 8>/run/sidegate-setup.lock
    if command -v flock >/dev/null; then flock 8; fi
    [ -e "$state/packages-before" ] || list_packages >"$state/packages-before"
    trap release_services EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    hold_services
    "$@"
    trap - EXIT HUP INT TERM
    release_services
    exec 8>&-
}

list_packages() {
    dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' | sed -n 's/^i. //p' | sort -u
}

hold_services() {
    if ! grep -qs 'by Sidegate' "$policy"; then move_if_there "$policy" "$policy_saved"; fi
    printf '#!/bin/sh\n# Put here by Sidegate while packages are installed.\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    # A Dovecot that was here keeps its protocols: without this, packages that are new beside it
    # would open ports at its next restart, and on 587 even keep it from starting beside Postfix.
    if grep -qx dovecot-core "$state/packages-before"; then
        for protocol in imapd pop3d submissiond lmtpd; do
            grep -qx "dovecot-$protocol" "$state/packages-before" || keep_protocol_off "$protocol"
        done
    fi
}

# The packages write these files when they are configured: into nothing, at each upgrade too.
keep_protocol_off() {
    if [ ! -d "$protocols" ] || [ -L "$protocols/$1.protocol" ]; then return; fi
    ln -sf /dev/null "$protocols/$1.protocol"
    say "This machine's own Dovecot keeps its protocols. To give it those of dovecot-$1 too:" \
        "rm $protocols/$1.protocol && dpkg-reconfigure dovecot-$1"
}

# What is half installed would enable its services when it is finished: that is left to the next
# set-up, which sees that packages-before is still there.
release_services() {
    if [ -z "$(dpkg --audit)" ]; then
        disable_new_services
        rm -f -- "$state/packages-before"
    fi
    rm -f -- "$policy"
    move_if_there "$policy_saved" "$policy"
}

move_if_there() {
    if [ -e "$1" ] || [ -L "$1" ]; then mv -- "$1" "$2"; fi
}

disable_new_services() {
    files=$(new_files)
    printf '%s\n' "$files" |
        sed -n 's#^\(/usr\)\{0,1\}/lib/systemd/system/\([^/@]*\.\(service\|socket\|timer\)\)$#\2#p' |
        sort -u | while read -r unit; do disable_unit "$unit"; done
    # Some, such as Kannel's, have no unit: systemd makes one of the script at each start.
    printf '%s\n' "$files" | sed -n 's#^/etc/init\.d/\([^/]*\)$#\1#p' |
        while read -r script; do update-rc.d "$script" disable; done
}

# What the packages brought that were not there before.
new_files() {
    for package in $(list_packages | comm -13 "$state/packages-before" -); do
        dpkg -L "$package"
    done
}

disable_unit() {
    if command -v systemctl >/dev/null; then
        systemctl --quiet disable "$1" 2>/dev/null || : # a unit that cannot be enabled
    else
        DPKG_MAINTSCRIPT_PACKAGE=sidegate deb-systemd-helper disable "$1" >/dev/null || :
    fi
}

# ---- The virtual environment.

# Prints the first Python that is new enough and can make a virtual environment.
find_python() {
    for candidate in python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
            2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

set_up_environment() {
    environment_is_sound || make_environment
    : >"$state/environment-unfinished"
    say "Installing Python packages."
    install_python_packages "$1"
    fingerprint >"$venv/set-up-for-run"
    if [ "$1" = test ]; then fingerprint >"$venv/set-up-for-test"; fi
    rm -f -- "$state/environment-unfinished"
}

environment_is_sound() {
    [ ! -e "$state/environment-unfinished" ] &&
        [ "$(cat -- "$venv/set-up-in" 2>/dev/null)" = "$here" ] &&
        "$venv/bin/python3" -c 'import pip' 2>/dev/null
}

make_environment() {
    python=$(find_python) || fail "Python 3.11 or newer with its venv module is needed" \
        "(Debian 12 and newer: python3 python3-venv)."
    say "Making the virtual environment $venv."
    : >"$state/environment-unfinished"
    rm -rf -- "$venv"
    "$python" -m venv "$venv"
    printf '%s\n' "$here" >"$venv/set-up-in" # its scripts name this place: moved, it is made anew
}

# Only wheels: what builds from source would bring build tools that no hash holds.
install_python_packages() {
    set -- "$1" -r "$here/requirements.txt" -r "$here/requirements-build.txt"
    if [ "$1" = test ]; then set -- "$@" -r "$here/requirements-test.txt"; fi
    shift
    pip_install --require-hashes --only-binary :all: "$@"
    pip_install --no-deps --no-build-isolation -e "$here"
}

pip_install() {
    PIP_USER=0 "$venv/bin/python3" -m pip install -q --progress-bar off --no-input \
        --disable-pip-version-check "$@" || fail "Python packages could not be installed: see above."
}
