# Sourced by `run` and `test`, from the repository's root:  source local/environment.sh REQUIREMENTS_FILE
# Afterwards .venv holds the locked libraries. Says nothing unless it has work to do.

unset PYTHONDONTWRITEBYTECODE  # or each of the many processes would compile every module anew

works() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# One that can make a whole environment comes first: Debian keeps the part for that in a package of its own.
find_python() {
    local candidate whole
    for whole in "import ensurepip" "pass"; do
        for candidate in python3.13 python3.12 python3.11 python3; do
            # Some of these exist only as a shim that refuses, so each is tried.
            if works "$candidate" && "$candidate" -c "$whole" 2>/dev/null; then echo "$candidate"; return; fi
        done
    done
    return 1
}

# Runs a command in silence; its output appears only if it fails.
quietly() {
    local output
    if ! output=$("$@" 2>&1 </dev/null); then
        printf '%s\n' "$output" >&2
        echo "carillon: failed: $*" >&2
        return 1
    fi
}

apt_install() {
    echo "carillon: installing $* ..." >&2
    quietly apt-get -q update
    DEBIAN_FRONTEND=noninteractive quietly apt-get -q install -y --no-install-recommends "$@"
}

may_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

need() { # need WHAT PACKAGE...: has Debian's packages installed, or says the remedy.
    local what=$1; shift
    if may_apt; then apt_install "$@"; return; fi
    echo "carillon: $what is missing. Remedy: apt-get install $*" >&2
    return 1
}

make_venv() {
    find_python >/dev/null || need "Python 3.11 or newer" python3 python3-venv
    local python; python=$(find_python) || { echo "carillon: needs Python 3.11 or newer" >&2; return 1; }
    "$python" -c 'import ensurepip' 2>/dev/null || need "python3-venv" python3-venv
    quietly "$python" -m venv --clear .venv
}

install_requirements() {
    local file=$1 stamp=".venv/.installed-$1" wanted
    wanted=$(sha256sum "$file" | cut -d ' ' -f 1)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
    .venv/bin/python -m pip --version >/dev/null 2>&1 || quietly .venv/bin/python -m ensurepip
    echo "carillon: installing $file into .venv ..." >&2
    quietly env PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore \
        .venv/bin/python -m pip install --require-hashes -r "$file"
    echo "$wanted" >"$stamp"
}

(
    flock 9  # two first starts at once make one environment
    works .venv/bin/python || make_venv
    install_requirements "$1"
) 9>.venv.lock
