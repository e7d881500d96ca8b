#!/usr/bin/env bash
# Builds the training image from this checkout, without a container registry; `--help` says how.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'END'
Builds the training image from this checkout.

Usage: container/build.sh [--tag NAME:TAG]

Prints the image's name and its size in bytes. Needs Linux on x86-64, Rust, Docker, and Debian's package busybox-static,
installed or from apt.

Options:
  --tag NAME:TAG  Name of the image, instead of linden-trainer:<version>

Environment:
  CARGO_TARGET_DIR  Where cargo builds, instead of `target`
  CONTAINER_ENGINE  The engine's command, instead of `docker`: `podman` takes the same ones
END
}

readonly TARGET=x86_64-unknown-linux-gnu
readonly CERTIFICATES=/etc/ssl/certs/ca-certificates.crt
readonly LICENCE_TEXTS=/usr/share/common-licenses
readonly COMMANDS=(sh cat chmod env ls mkdir sleep true)

fail() {
    echo "container/build.sh: $*" >&2
    exit 1
}

say() {
    echo "== $*" >&2
}

# Whether $1 is a program that needs neither a loader nor shared libraries.
is_static() {
    [ -x "$1" ] && readelf --file-header "$1" >/dev/null 2>&1 || return 1
    ! readelf --program-headers --wide "$1" | grep -qw INTERP && ! readelf --dynamic --wide "$1" | grep -qw NEEDED
}

# Builds the program and prints where it is. The flags are exactly these, whatever the shell has set: the program runs on
# every x86-64 processor and holds no path of whoever built it.
trainer() {
    local program="${CARGO_TARGET_DIR:-target}/$TARGET/container/linden-trainer"
    local flags="-Ctarget-feature=+crt-static"$'\x1f'"--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
    CARGO_ENCODED_RUSTFLAGS="$flags" \
        cargo build --locked --package trainer --features s3 --bin linden-trainer --profile container --target "$TARGET" >&2
    is_static "$program" || fail "$program is not static: it has a loader or shared libraries"
    echo "$program"
}

# Prints the folder, / or one below $1, that Debian's busybox-static lies in.
busybox() {
    local notes=usr/share/doc/busybox-static/copyright
    if is_static /bin/busybox && [ -f "/$notes" ]; then
        echo /
        return
    fi
    local advice="install Debian's package busybox-static and run this again"
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
        fail "there is no static /bin/busybox, and no apt to get one with: $advice"
    say "busybox-static is not installed: downloading the package"
    mkdir "$1/apt"
    (cd "$1/apt" && { download || { apt-get update --quiet >&2 && download; }; }) ||
        fail "busybox-static is not installed and could not be downloaded: $advice"
    dpkg-deb --extract "$1"/apt/busybox-static_*.deb "$1/busybox"
    is_static "$1/busybox/bin/busybox" && [ -f "$1/busybox/$notes" ] ||
        fail "the package that apt gave has no static busybox: $advice"
    echo "$1/busybox"
}

download() {
    apt-get download --quiet busybox-static >&2
}

# Lays out the image's files in $1: the program $2, busybox from the folder $3.
lay_out() {
    local root="$1" command
    install -d -m 755 "$root"/{bin,etc/ssl/certs,usr/local/bin,usr/share/doc/{busybox-static,linden-trainer}}
    install -d -m 1777 "$root/tmp"
    install -m 755 "$2" "$root/usr/local/bin/linden-trainer"
    ln -s linden-trainer "$root/usr/local/bin/train"
    ln -s linden-trainer "$root/usr/local/bin/serve"
    install -m 755 "$3/bin/busybox" "$root/bin/busybox"
    for command in "${COMMANDS[@]}"; do
        ln -s busybox "$root/bin/$command"
    done
    install -m 644 "$CERTIFICATES" "$root/etc/ssl/certs/ca-certificates.crt"
    echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
    echo 'root:x:0:' >"$root/etc/group"
    chmod 644 "$root"/etc/{passwd,group}
    install -m 644 LICENSE-APACHE LICENSE-MIT "$root/usr/share/doc/linden-trainer"
    install -m 644 "$3/usr/share/doc/busybox-static/copyright" "$LICENCE_TEXTS/GPL-2" "$root/usr/share/doc/busybox-static"
    # The same program gives the same image layer.
    find "$root" -exec touch --no-dereference --date=@0 {} +
}

tag=""
while [ $# -gt 0 ]; do
    case "$1" in
        --tag) [ -n "${2:-}" ] || fail "--tag needs NAME:TAG"; tag="$2"; shift 2 ;;
        -h | --help) usage; exit 0 ;;
        *) fail "unknown argument \`$1\`, expected --tag NAME:TAG" ;;
    esac
done

[ "$(uname -sm)" = "Linux x86_64" ] || fail "the image is built on Linux on x86-64 only, this is $(uname -sm)"
engine="${CONTAINER_ENGINE:-docker}"
for tool in cargo "$engine" readelf; do
    command -v "$tool" >/dev/null || fail "$tool is not installed"
done
"$engine" version >/dev/null 2>&1 || fail "$engine does not answer: $("$engine" version 2>&1 >/dev/null | tail -n 1)"
[ -f "$CERTIFICATES" ] || fail "$CERTIFICATES is missing: install Debian's package ca-certificates"

version="$(cargo pkgid --package trainer)"
version="${version##*[@#]}"
# Linden; busybox; glibc, which is in the program; Mozilla's certificates.
licences="($(sed -n 's/^license = "\(.*\)"$/\1/p' Cargo.toml)) AND GPL-2.0-only AND LGPL-2.1-or-later AND MPL-2.0"
tag="${tag:-linden-trainer:$version}"

context="$(mktemp -d)"
trap 'rm -rf "$context"' EXIT

say "building linden-trainer $version"
program="$(trainer)"
say "assembling the image's files"
busybox_root="$(busybox "$context")"
lay_out "$context/image/root" "$program" "$busybox_root"
cp container/Dockerfile "$context/image/Dockerfile"

say "building $tag"
# Without the buildx plug-in only the classic builder is there. Attestations would turn the image into an index, which
# SageMaker does not take.
"$engine" buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
BUILDX_NO_DEFAULT_ATTESTATIONS=1 "$engine" build --quiet --tag "$tag" \
    --build-arg "VERSION=$version" --build-arg "LICENSES=$licences" "$context/image" >&2
say "the program has $(stat --format %s "$program") bytes; the image:"
size="$("$engine" image inspect --format '{{.Size}}' "$tag")"
echo "$tag $size bytes"
