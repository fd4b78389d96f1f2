# Functions that the scripts of this repository share: messages, packages, finding a JDK.
# To be sourced by bash, not to be run.
# shellcheck shell=bash

need_java=25

say() { printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2; }
die() {
    say "$@"
    exit 1
}

# The major version of the JDK in a folder, from its release file: no JVM has to start for it.
jdk_version() {
    local line
    [[ -x $1/bin/java && -r $1/release ]] || return 1
    while read -r line; do
        if [[ $line =~ ^JAVA_VERSION=\"([0-9]+) ]]; then
            printf '%s' "${BASH_REMATCH[1]}"
            return 0
        fi
    done <"$1/release"
    return 1
}

find_jdk() {
    local home version
    local -a homes=("${UVOL_JAVA_HOME:-}" "${JAVA_HOME:-}" /usr/lib/jvm/*)
    if command -v java >/dev/null; then
        homes+=("$(dirname -- "$(dirname -- "$(readlink -f -- "$(command -v java)")")")")
    fi
    for home in "${homes[@]}"; do
        [[ -n $home ]] || continue
        if version=$(jdk_version "$home") && ((version >= need_java)); then
            printf '%s' "$home"
            return 0
        fi
    done
    return 1
}

# Whether we may install packages: as root, on Debian or a child of it.
can_install() { ((EUID == 0)) && command -v apt-get >/dev/null; }

# Gets the packages of the commands that are missing: "command=package …".
need() {
    local pair
    local -a packages=()
    for pair in "$@"; do
        PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%=*}" >/dev/null || packages+=("${pair#*=}")
    done
    get_packages "${packages[@]}"
}

# Gets the packages of the libraries that are missing: "library=package …".
need_library() {
    local pair known
    local -a packages=()
    known=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p)
    for pair in "$@"; do
        [[ $known == *"${pair%%=*}"* ]] || packages+=("${pair#*=}")
    done
    get_packages "${packages[@]}"
}

get_packages() {
    local -a packages=("$@")
    ((${#packages[@]})) || return 0
    if ! can_install; then
        die "something is missing; install it with: sudo apt-get install -y ${packages[*]}"
    fi
    say "installing ${packages[*]}"
    local log
    log=$(mktemp)
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq "${packages[@]}"; } \
        >"$log" 2>&1 || die "apt-get failed; see $log"
    rm -f "$log"
}

# Sets java_home to a JDK that is new enough.
# shellcheck disable=SC2034 # used by those who source this
need_jdk() {
    java_home=$(find_jdk) && return 0
    local package=openjdk-$need_java-jdk-headless
    if can_install && apt-cache show "$package" >/dev/null 2>&1; then
        get_packages "$package"
        java_home=$(find_jdk) && return 0
    fi
    say "a JDK of version $need_java or later is needed; there is none in /usr/lib/jvm, \$JAVA_HOME or the PATH."
    say "Where the distribution has none, this installs one (Eclipse Temurin):"
    cat >&2 <<EOF
  sudo sh -c 'apt-get update && apt-get install -y wget gpg && wget -qO- https://packages.adoptium.net/artifactory/api/gpg/key/public | gpg --dearmor >/etc/apt/trusted.gpg.d/adoptium.gpg && . /etc/os-release && echo "deb https://packages.adoptium.net/artifactory/deb \$VERSION_CODENAME main" >/etc/apt/sources.list.d/adoptium.list && apt-get update && apt-get install -y temurin-$need_java-jdk'
EOF
    exit 1
}
