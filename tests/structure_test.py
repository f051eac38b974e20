"""Keeps the picture of the layers true: reads every #include of the tree and compares it with the list below.

Usage: structure_test.py [root]
"""

import pathlib
import re
import subprocess
import sys

# Lowest first: a layer includes itself and earlier ones.
CORE_LAYERS = ["base", "env", "simd", "nn", "learn", "buffer", "io", "run", "explain", "compress", "stats"]
ROOMS = {  # room: what it may include of the project
    "envs": ["core/base", "core/env", "envs"],
    "render": ["core/base", "core/env", "render"],
    "agents": ["core", "agents"],
    "experiments": ["core", "agents", "envs", "experiments", "render"],
}
WITHOUT_TORCH = ["core/base", "core/env", "core/simd", "core/io", "core/stats", "envs", "render", "core/nn/kernels.h", "core/nn/kernels.cpp",
                 "core/nn/kernels.simd.cpp", "core/nn/fused_mlp.h", "core/nn/fused_mlp.cpp", "core/nn/fused_lstm.h",
                 "core/nn/fused_lstm.cpp", "core/learn/returns.h",
                 "core/learn/returns.cpp", "core/learn/loss_kernels.h", "core/learn/loss_kernels.cpp",
                 "core/learn/loss_kernels.simd.cpp", "core/learn/sac_learner.h", "core/learn/sac_learner.cpp",
                 "core/learn/bandit.h", "core/learn/bandit.cpp", "core/learn/tabular.h", "core/learn/tabular.cpp",
                 "core/learn/learned_model.h", "core/learn/learned_model.cpp",
                 *("core/buffer/" + name for name in (
                     "replay_buffer.h", "replay_buffer.cpp", "replay_sampling.cpp", "replay_kernels.h", "replay_kernels.cpp",
                     "replay_kernels.simd.cpp", "successor_queue.h", "successor_queue.cpp", "sum_tree.h", "sum_tree.cpp"))]
TORCH_HEADER = re.compile(r"^(ATen|c10|torch|caffe2)/")
SDL_HEADER = re.compile(r"^SDL2?(/|_|\.h)")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
PLACEHOLDER = re.compile(r"^[A-Z]{6,}$")  # in a document a line of one word in capitals waits for its text
# What vector kernels may include: inline functions of the standard library would mix up code for two processors.
SIMD_INCLUDES = re.compile(r"^(core/simd/\w+\.h|core/\w+/\w*kernels\.h|immintrin\.h|cstdint)$")
MACHINE_PATH = re.compile(r"(?<![\w.$}/])/(home|root|work|Users|mnt)/\w")


def is_under(path, folder):
    return path == folder or path.startswith(folder + "/")


def allowed_folders(path):
    """What `path` may include of the project, or None when there is no rule for it."""
    parts = path.split("/")
    if parts[0] == "core":
        if len(parts) < 3 or parts[1] not in CORE_LAYERS:
            return []
        allowed = ["core/" + layer for layer in CORE_LAYERS[: CORE_LAYERS.index(parts[1]) + 1]]
        # What must do without LibTorch must not get it through another layer either.
        return [folder for folder in allowed if folder in WITHOUT_TORCH] if "/".join(parts[:2]) in WITHOUT_TORCH else allowed
    return ROOMS.get(parts[0])


def project_files(root):
    """Tracked files, and files not yet added; in an exported tree without git, every file."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        names = sorted(set(filter(None, listing.stdout.split("\0"))))
    else:
        names = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        names = [name for name in names if not name.startswith((".", "build"))]
    return [name for name in names if (root / name).is_file()]


def check_includes(path, text, known):
    """Problems of one file, and the project files it includes."""
    problems, edges = [], []
    allowed = allowed_folders(path)
    if allowed == []:
        problems.append(f"{path}: core has no such layer; the layers are {', '.join(CORE_LAYERS)}")
    for match in INCLUDE.finditer(text):
        included = match.group(1) or match.group(2)
        where = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
        if (path.endswith(".simd.cpp") or path == "core/simd/vector.h") and not SIMD_INCLUDES.match(included):
            problems.append(f"{where}: includes {included}; vector kernels include kernels' headers and immintrin.h only")
        if TORCH_HEADER.match(included) and any(is_under(path, folder) for folder in WITHOUT_TORCH):
            problems.append(f"{where}: includes {included}; LibTorch begins in core/nn")
        if SDL_HEADER.match(included) and not is_under(path, "render"):
            problems.append(f"{where}: includes {included}; SDL lives in render only")
        if included == "core/nn/torch.h" and any(is_under(path, folder) for folder in WITHOUT_TORCH):
            problems.append(f"{where}: includes {included}; this file does without LibTorch")
        elif included in known:
            edges.append(included)
            if allowed and not any(is_under(included, folder) for folder in allowed):
                problems.append(f"{where}: includes {included}; this file may include only {', '.join(allowed)}")
        elif match.group(1) and allowed is not None:
            problems.append(f"{where}: \"{included}\" is no file of the project; paths start at the top folder")
    return problems, edges


def check_header(path, text):
    lines = text.splitlines()
    if not lines or not lines[0].startswith("//"):
        return [f"{path}: a header starts with a comment that says what it is"]
    for line in lines:
        if line.startswith("//") or not line.strip():
            continue
        return [] if line.strip() == "#pragma once" else [f"{path}: #pragma once comes first after the comment"]
    return [f"{path}: has no #pragma once"]


def find_cycle(graph):
    """One circle of includes as a list of files, or None."""
    state = {}  # 1: on the path from the start, 2: done

    def visit(node, trail):
        state[node] = 1
        for target in graph.get(node, []):
            if state.get(target) == 1:
                return trail[trail.index(target):] + [target]
            if target not in state:
                found = visit(target, trail + [target])
                if found:
                    return found
        state[node] = 2
        return None

    for node in graph:
        if node not in state:
            found = visit(node, [node])
            if found:
                return found
    return None


def check_text(path, text):
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        if UNFINISHED.search(line) or (path.endswith(".md") and PLACEHOLDER.search(line)):
            problems.append(f"{path}:{number}: unfinished work belongs into an issue, not into a comment")
        if MACHINE_PATH.search(line):
            problems.append(f"{path}:{number}: holds a path of one machine: {line.strip()[:80]}")
    return problems


def check_tree(root):
    """All problems of the tree, and the number of C++ files looked at."""
    names = project_files(root)
    sources = [name for name in names if name.endswith((".h", ".cpp", ".cu"))]
    known, graph, problems = set(sources), {}, []
    for name in names:
        if name.startswith("tests/golden/"):
            continue
        try:
            text = (root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if name != "tests/structure_test.py":
            problems += check_text(name, text)
        if name in known:
            found, graph[name] = check_includes(name, text, known)
            problems += found
            if name.endswith(".h"):
                problems += check_header(name, text)
    cycle = find_cycle(graph)
    if cycle:
        problems.append("the includes go in a circle: " + " -> ".join(cycle))
    return problems, len(sources)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    problems, num_sources = check_tree(root)
    if num_sources == 0:
        problems.append(f"{root}: no C++ file was found")
    for problem in problems:
        print(problem)
    print(f"{num_sources} C++ files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
