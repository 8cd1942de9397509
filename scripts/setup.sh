#!/usr/bin/env bash
# Puts everything on a fresh Debian or Ubuntu machine that building and playing needs, beyond git, cargo and a C
# compiler. Idempotent: it looks first, installs only what is missing, says what it installs, and is silent otherwise.
#
#   build:  g++, cmake (3.24 or later), make, OpenBLAS: FAISS is built from source
#   play:   mGBA's libretro core, unpacked into .pocketpilot/core (not installed: its package would pull in RetroArch)
#   tests:  the ARM compiler that rebuilds the fixture game (--tests); mGBA's own window, an X server without a screen
#           and keys for both, tmux, a browser and valgrind, where they can be had: the tests that need one skip
#           without it (--tests)
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

is_installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

lists_are_fresh=
refresh_lists() {
  [ -n "$lists_are_fresh" ] && return
  as_root apt-get update -qq || fail "apt-get update failed; is this machine online?"
  lists_are_fresh=yes
}

install_missing() {
  local missing=()
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} -eq 0 ] && return
  say "installing ${missing[*]}"
  refresh_lists
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "could not install ${missing[*]}"
}

# For what the tests can do without: what cannot be had is said, and is no failure.
install_optional() { (install_missing "$@") || say "going on without: the tests that need one of $* skip"; }

unpack_core() {
  local folder=.pocketpilot/core
  [ -n "$(find "$folder" -name mgba_libretro.so 2>/dev/null)" ] && return
  say "unpacking mGBA's libretro core (packages libretro-mgba, libinih1) into $folder"
  refresh_lists
  local packages
  packages=$(mktemp -d)
  chmod 755 "$packages"
  (cd "$packages" && apt-get download -qq libretro-mgba libinih1 2>/dev/null) ||
    fail "could not download libretro-mgba; install a core yourself and name it in config.toml: [emulator] core"
  mkdir -p "$folder"
  for package in "$packages"/*.deb; do dpkg -x "$package" "$folder"; done
  rm -rf "$packages"
}

# FAISS is several times faster with AVX2. The flag lives in cargo's own configuration, so that plain `cargo run`
# builds the same.
choose_flags() {
  [ -e .cargo/config.toml ] && return
  mkdir -p .cargo
  if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo && grep -qw bmi2 /proc/cpuinfo; then
    say "this processor has AVX2: FAISS is built for it (.cargo/config.toml)"
    printf '[env]\nCXXFLAGS_x86_64_unknown_linux_gnu = "-march=x86-64-v3"\n' > .cargo/config.toml
  else
    printf '# No AVX2 on this machine: FAISS is built plain.\n' > .cargo/config.toml
  fi
}

command -v cargo >/dev/null || fail "cargo is missing; install Rust from rustup.rs first"
if command -v apt-get >/dev/null; then
  install_missing g++ cmake make libopenblas-dev
  unpack_core
  if [ "${1:-}" = --tests ]; then
    install_missing gcc-arm-none-eabi
    install_optional mgba-qt xvfb xdotool
    install_optional tmux
    install_optional chromium
    install_optional valgrind
  fi
else
  for tool in g++ cmake make; do
    command -v "$tool" >/dev/null || fail "$tool is missing; install g++, cmake 3.24 or later, make and OpenBLAS's headers"
  done
fi
choose_flags
