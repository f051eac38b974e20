# What ./corvid needs before it can build: Debian packages, LibTorch, and Python for the parity tests; and what the
# benchmark of the peers needs. Sourced by the launcher, which sets root, deps, torch_dir and no_install, and gives say
# and die.
# shellcheck shell=bash disable=SC2154

# Wheels, pinned by version and SHA-256. LibTorch is unpacked from torch's own wheel; libtorch_cpu needs the CUDA
# runtime and CUPTI to start, even where there is no GPU.
readonly torch_pin=(torch 2.15.0 48c2d861134c0b5697c7602cb5ffa68f62a2989fdcd1717e593356f67996ca1e)
readonly cudart_pin=(nvidia-cuda-runtime 13.2.86 3498247680dfddce31bad102af7e3e26fc795342a3cac64722bb0fa95e7f60f0)
readonly cupti_pin=(nvidia-cuda-cupti 13.2.86 8fa29f15dd8336181f961764d9d95236fc6b931dd0c8fcf8cd70aab0c310b586)
readonly box2d_pin=(box2d-py 2.3.8 bdacfbbc56079bb317548efe49d3d5a86646885cc27f4a2ee97e4b2960921ab7)
readonly torch_files=('include/*' lib/libtorch_cpu.so lib/libc10.so lib/libgomp.so.1)

# Debian packages: name, why, and one path or command that shows it is there.
readonly build_packages=(
  'g++|the C++20 compiler|g++'
  'cmake|configures the build|cmake'
  'ninja-build|runs the build|ninja'
  'ccache|makes rebuilds fast|ccache'
  'libhdf5-dev|rollouts and checkpoints|/usr/include/hdf5/serial/hdf5.h'
  'libboost-program-options-dev|the command line|/usr/include/boost/program_options.hpp'
  'libtoml11-dev|config files|/usr/include/toml.hpp'
  'nlohmann-json3-dev|JSON|/usr/include/nlohmann/json.hpp'
  'zlib1g-dev|compressed files|/usr/include/zlib.h'
  'pkg-config|finds the libraries below|pkg-config'
  'libcairo2-dev|pictures|/usr/include/cairo/cairo.h'
  'libfreetype-dev|letters in pictures|/usr/include/freetype2/ft2build.h'
  'fonts-dejavu-core|letters in pictures|/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf'
  'libpng-dev|pictures and animations|/usr/include/png.h'
  'libcgif-dev|animations|/usr/include/cgif.h'
  'libsdl2-dev|windows, keys and game controllers|/usr/include/SDL2/SDL.h'
)
readonly test_packages=(
  'libgtest-dev|the tests|/usr/include/gtest/gtest.h'
  'libgmock-dev|the tests|/usr/include/gmock/gmock.h'
  'xvfb|tests of windows, on a display without a screen|Xvfb'
  'xdotool|tests of windows: presses their keys|xdotool'
  'ffmpeg|tests of films|ffmpeg'
)
readonly fetch_packages=(
  'ca-certificates|trusted downloads|/etc/ssl/certs/ca-certificates.crt'
  'python3|fetches LibTorch; the parity tests|python'
  'python3-venv|fetches LibTorch; the parity tests|python'
)
readonly peers_packages=(
  'g++|compiles RLtools, a peer|g++'
  'python3-dev|makes RLtools a Python module|python3-config'
)
readonly lint_packages=('clang-format|layout|clang-format' 'clang-tidy|static checks|clang-tidy')

# ---- Debian packages -----------------------------------------------------------------------------------------------

present() {
  case $1 in
    /*) [[ -e $1 ]] ;;
    python) [[ -e $deps/python/.made && -x $deps/python/bin/python ]] || find_host_python ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

need_packages() {  # entries "name|why|probe"
  local entry name why probe missing=()
  for entry in "$@"; do
    IFS='|' read -r name why probe <<<"$entry"
    if present "$probe"; then continue; fi
    if [[ ${#missing[@]} == 0 ]]; then say "these Debian packages are missing:"; fi
    missing+=("$name")
    printf '  %s: %s\n' "$name" "$why" >&2
  done
  if [[ ${#missing[@]} == 0 ]]; then return; fi

  local install=(apt-get install -y --no-install-recommends "${missing[@]}") as_root=()
  if ! command -v apt-get >/dev/null; then
    die 2 "there is no apt-get here: install what your system calls these packages, then run this again"
  fi
  if [[ $(id -u) != 0 ]]; then
    as_root=(sudo)
    if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || [[ -t 0 && -t 2 ]]; }; then
      no_install=1
    fi
  fi
  if [[ $no_install == 1 ]]; then
    die 2 "they cannot be installed from here. As root, run" "  apt-get update && ${install[*]}" "and then this again."
  fi
  say "installing them with apt-get (log: .deps/apt.log)"
  # A failed update is no reason to stop: the lists at hand may do.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update >"$deps/apt.log" 2>&1 </dev/null || true
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" >>"$deps/apt.log" 2>&1 </dev/null; then
    tail -n 15 "$deps/apt.log" >&2
    die 1 "apt-get could not install them (is there a network?). To try by hand, as root:" \
      "  apt-get update && ${install[*]}"
  fi
}

# ---- Python and wheels ---------------------------------------------------------------------------------------------

find_host_python() {  # sets host_python: 3.11 or newer that can make virtual environments
  local candidate
  for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      host_python=$candidate
      return 0
    fi
  done
  return 1
}

need_python() {
  if [[ -e $deps/python/.made && -x $deps/python/bin/python ]]; then return; fi
  need_packages "${fetch_packages[@]}"
  find_host_python || die 1 "Python 3.11 or newer with venv and ensurepip is needed, and python3 is not one"
  say "making a Python environment in .deps/python"
  "$host_python" -m venv --clear "$deps/python" >&2
  touch "$deps/python/.made"
}

sha256_of() { sha256sum "$1" | cut -d' ' -f1; }

fetch_wheel() {  # name, version, sha256; sets wheel
  local name=$1 version=$2 sha=$3 found stem=${1//-/_}-$2
  for found in "$deps/wheels/$stem"-*.whl; do
    if [[ -f $found ]]; then
      wheel=$found
      if [[ $(sha256_of "$wheel") == "$sha" ]]; then return; fi
      say "$found has not the pinned SHA-256; fetching it again"
      rm -f "$found"
    fi
  done
  need_python
  say "fetching $name $version"
  rm -rf "$deps/wheels.part"
  mkdir -p "$deps/wheels.part" "$deps/wheels"
  echo "$name==$version --hash=sha256:$sha" >"$deps/wheels.part/pin.txt"
  # No cache: pip before 23.1 holds a whole cached wheel in memory.
  if ! "$deps/python/bin/python" -m pip download --quiet --no-cache-dir --disable-pip-version-check --no-deps \
    --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 --abi none \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 --platform manylinux_2_17_x86_64 \
    --platform manylinux2014_x86_64 --require-hashes -r "$deps/wheels.part/pin.txt" \
    --dest "$deps/wheels.part" >"$deps/pip.log" 2>&1 </dev/null; then
    tail -n 5 "$deps/pip.log" >&2
    die 1 "pip could not fetch $name $version (is there a network? log: .deps/pip.log). Do one of these:" \
      "  run this again when pip reaches its index;" \
      "  put its wheel $stem-*.whl with SHA-256 $sha into $deps/wheels/;" \
      "  name an installed LibTorch 2.15 with --torch DIR."
  fi
  mv "$deps/wheels.part/$stem"-*.whl "$deps/wheels/"
  rm -rf "$deps/wheels.part"
  wheel=$(echo "$deps/wheels/$stem"-*.whl)
}

unpack_wheel() {  # folder inside the wheel, destination, patterns of files below that folder
  "$deps/python/bin/python" - "$wheel" "$@" <<'PYTHON'
import fnmatch, pathlib, shutil, sys, zipfile

wheel, folder, destination, *patterns = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        name = entry.filename.removeprefix(folder)
        if name == entry.filename or entry.is_dir() or not any(fnmatch.fnmatch(name, p) for p in patterns):
            continue
        target = pathlib.Path(destination, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, open(target, "wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
PYTHON
}

# A part is unpacked beside its place and renamed, so that a half-unpacked one is never used.
start_part() { rm -rf "$deps/$1.part" && mkdir -p "$deps/$1.part"; }
finish_part() {  # name, pin
  printf '%s' "$2" >"$deps/$1.part/.pin"
  rm -rf "${deps:?}/$1"
  mv "$deps/$1.part" "$deps/$1"
  rm -rf "$deps/wheels"
}
has_part() { [[ -f $deps/$1/.pin && $(<"$deps/$1/.pin") == "$2" ]]; }

# Another LibTorch may be built without CUDA, or know where its own libraries are.
torch_lacks_cuda() {
  [[ $torch_dir == "$deps/torch" ]] || ldd "$torch_dir/lib/libtorch_cpu.so" | grep -q 'libcu.*not found'
}

need_torch() {
  local pin
  if [[ $torch_dir == "$deps/torch" ]]; then
    pin="${torch_pin[*]} ${torch_files[*]}"
    if ! has_part torch "$pin"; then
      fetch_wheel "${torch_pin[@]}"
      need_python
      say "unpacking LibTorch ${torch_pin[1]} into .deps/torch"
      start_part torch
      unpack_wheel torch/ "$deps/torch.part" "${torch_files[@]}"
      finish_part torch "$pin"
    fi
  elif [[ ! -f $torch_dir/include/ATen/ATen.h || ! -f $torch_dir/lib/libtorch_cpu.so ]]; then
    die 2 "no LibTorch in $torch_dir: include/ATen/ATen.h and lib/libtorch_cpu.so are expected there"
  fi
  pin="${cudart_pin[*]} ${cupti_pin[*]}"
  if ! has_part cuda "$pin" && torch_lacks_cuda; then
    start_part cuda
    fetch_wheel "${cudart_pin[@]}"
    need_python
    unpack_wheel nvidia/cu13/lib/ "$deps/cuda.part" 'libcudart.so.*'
    fetch_wheel "${cupti_pin[@]}"
    unpack_wheel nvidia/cu13/lib/ "$deps/cuda.part" 'libcupti.so.*'
    finish_part cuda "$pin"
  fi
}

need_test_python() {
  if [[ -n ${CORVID_TEST_PYTHON:-} ]]; then return; fi
  local list=$root/tests/reference/requirements.txt pin
  need_python
  pin=$(sha256_of "$list")
  if has_part python "$pin"; then return; fi
  say "installing the reference packages for the parity tests into .deps/python"
  # The list is complete, so nothing is resolved; Stable-Baselines3 would bring a second torch.
  if ! "$deps/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --require-hashes -r "$list" >"$deps/pip.log" 2>&1 </dev/null; then
    tail -n 5 "$deps/pip.log" >&2
    die 1 "pip could not install tests/reference/requirements.txt (is there a network? log: .deps/pip.log)." \
      "Run this again when pip reaches its index, or name a Python that has these packages in CORVID_TEST_PYTHON."
  fi
  printf '%s' "$pin" >"$deps/python/.pin"
}

# The engine of the Box2D environments, as sources: cmake/box2d.cmake builds it.
need_box2d() {
  local pin="${box2d_pin[*]}" name=${box2d_pin[0]} version=${box2d_pin[1]} sha=${box2d_pin[2]} archive
  if has_part box2d "$pin"; then return; fi
  archive=$deps/wheels/$name-$version.tar.gz
  need_python
  if [[ ! -f $archive || $(sha256_of "$archive") != "$sha" ]]; then
    say "fetching Box2D (the sources of $name $version)"
    mkdir -p "$deps/wheels"
    echo "$name==$version --hash=sha256:$sha" >"$deps/wheels/pin.txt"
    if ! "$deps/python/bin/python" -m pip download --quiet --no-cache-dir --disable-pip-version-check --no-deps \
      --no-binary=:all: --require-hashes -r "$deps/wheels/pin.txt" --dest "$deps/wheels" >"$deps/pip.log" 2>&1 \
      </dev/null; then
      tail -n 5 "$deps/pip.log" >&2
      die 1 "pip could not fetch $name $version (is there a network? log: .deps/pip.log). Do one of these:" \
        "  run this again when pip reaches its index;" \
        "  put its source package $name-$version.tar.gz with SHA-256 $sha into $deps/wheels/."
    fi
  fi
  start_part box2d
  tar -xzf "$archive" -C "$deps/box2d.part" --strip-components=2 --wildcards "$name-$version/Box2D/*.h" \
    "$name-$version/Box2D/*.cpp" "$name-$version/Box2D/Box2D-License.txt"
  finish_part box2d "$pin"
}

# libtorch_cuda wants these to load, and the CPU never calls them; the wheels that hold them are 2 GB.
readonly unused_cuda_libraries=(libcublas.so.13 libcublasLt.so.13 libcudnn.so.9 libcufft.so.12 libcufile.so.0
  libcusparse.so.12 libcusparseLt.so.0 libnccl.so.2 libnvrtc.so.13)

stand_in_for_cuda() {  # puts empty libraries into torch's folder of libraries; whoever imports torch must bind lazily
  local name
  for name in "${unused_cuda_libraries[@]}"; do
    g++ -shared -x c++ /dev/null -Wl,-soname,"$name" -o "$1/$name"
  done
  # Of NVSHMEM a variable is read at once.
  g++ -shared -fPIC -x c++ - -Wl,-soname,libnvshmem_host.so.3 -Wl,--version-script=<(echo 'NVSHMEM { *; };') \
    -o "$1/libnvshmem_host.so.3" <<<'extern "C" { char nvshmem_selected_device_transport[64]; }'
}

need_peers() {
  local list=$root/experiments/bench/requirements.txt python=$deps/peers/bin/python pin
  need_packages "${fetch_packages[@]}" "${peers_packages[@]}"
  pin="$(sha256_of "$list") ${unused_cuda_libraries[*]}"
  if has_part peers "$pin" && [[ -x $python ]]; then return; fi
  find_host_python || die 1 "Python 3.11 or newer with venv and ensurepip is needed, and python3 is not one"
  say "installing the peers for the benchmark into .deps/peers (over 1 GB to fetch, 3.4 GB on disk)"
  "$host_python" -m venv --clear "$deps/peers" >&2
  # The list is complete, so nothing is resolved. No cache, as for the wheels above.
  if ! "$python" -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-deps --only-binary=:all: \
    --require-hashes -r "$list" >"$deps/pip.log" 2>&1 </dev/null; then
    tail -n 5 "$deps/pip.log" >&2
    die 1 "pip could not install experiments/bench/requirements.txt (is there a network? log: .deps/pip.log)." \
      "Run this again when pip reaches its index."
  fi
  stand_in_for_cuda "$("$python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')/torch/lib"
  printf '%s' "$pin" >"$deps/peers/.pin"
}

need_to_build() {
  # Packages first and all at once, so that one apt-get command is enough. Python fetches Box2D, whichever LibTorch is
  # used.
  need_packages "${build_packages[@]}" "${fetch_packages[@]}"
  need_torch
  need_box2d
}

need_everything() {
  need_packages "${build_packages[@]}" "${test_packages[@]}" "${fetch_packages[@]}"
  need_torch
  need_box2d
  need_test_python
}

need_lint_packages() { need_packages "${lint_packages[@]}"; }
