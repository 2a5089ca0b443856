# What several scripts do; they source it. They have a folder for what is temporary in $work, say by `tell` what they do, and end by `broken` when
# they cannot go on.

# What shortens the boot of a Linux to less than a half in an emulated machine, and is none of what scenarios look at: the kernel neither patches
# itself against what processors leak, nor measures how fast this one is, nor tries its own ciphers.
quick=()
for word in mitigations=off lpj=4000000 cryptomgr.notests audit=0; do quick+=(--option "$word"); done
readonly quick

# Installs packages of Debian's when root runs the script, and says elsewhere that they are missing.
install_packages() {
    (($# > 0)) || return 0
    ((EUID == 0)) || broken "install what is missing: apt-get install $*"
    apt-get update --quiet >&2
    apt-get install --yes --no-install-recommends "$@" >&2
}

# The machine that QEMU emulates.
install_qemu() {
    command -v qemu-system-x86_64 >/dev/null && return
    install_packages qemu-system-x86
}

# A program of apt's, with lists and a cache of its own, and the system's sources.
apt_in_work() {
    local program=$1
    shift
    mkdir -p "$work"/{lists,cache}
    "$program" -qq -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@"
}

# Has guests judged by `vmm run`, and leaves each report in a file with its number, from 1 on. Sets $wrong to 0.
judge() {
    local status=0
    wrong=0
    cargo run --locked --quiet -p vmm -- run "$@" </dev/null >"$work/output" || status=$?
    ((status <= 1)) || {
        cat "$work/output"
        broken "there is nothing to judge"
    }
    mkdir "$work/reports"
    awk -v folder="$work/reports" '
        BEGIN { number = 1 }
        { print > (folder "/" number) }
        /^(PASS|FAIL|BROKEN) / { number++ }
    ' "$work/output"
}

# The report with this number is of $3, has this verdict, and says this text, if there is one. Otherwise it is printed, and $wrong counts it.
expect_report() {
    local report=$work/reports/$1 verdict=$2 who=$3 text=${4:-}
    grep -q "^$verdict " "$report" && grep -qF -- "$text" "$report" && return
    cat "$report"
    tell "$who: expected $verdict${text:+, and: $text}"
    ((wrong += 1))
}
