"""Compiles every header of core, envs, agents and render by itself (-fsyntax-only), two at a time.

Usage: headers_test.py (--plain | --torch) -- compiler flags...
--plain takes the headers that need no LibTorch, --torch the others, with core/nn/torch.h precompiled once.
"""

import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import structure_test  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRECOMPILED = "core/nn/torch.h"


def headers_with_torch(headers):
    """Those of `headers` that reach a LibTorch header, directly or through others."""
    includes, reach = {}, set()
    for name in headers:
        text = (ROOT / name).read_text(encoding="utf-8")
        includes[name] = [quoted or angled for quoted, angled in structure_test.INCLUDE.findall(text)]
    grown = True
    while grown:
        grown = False
        for name, targets in includes.items():
            if name not in reach and any(t in reach or structure_test.TORCH_HEADER.match(t) for t in targets):
                reach.add(name)
                grown = True
    return reach


def compile_alone(command, header):
    source = f'#include "{header}"\n'
    result = subprocess.run(command + ["-fsyntax-only", "-x", "c++", "-"], input=source, cwd=ROOT,
                            capture_output=True, text=True, check=False)
    return header, result.returncode, result.stderr


def main():
    mode, separator, *command = sys.argv[1:]
    if mode not in ("--plain", "--torch") or separator != "--" or not command:
        sys.exit(__doc__)
    headers = [name for name in structure_test.project_files(ROOT)
               if re.match(r"(core|envs|agents|render)/.*\.h$", name)]
    torch = headers_with_torch(headers)
    chosen = sorted(torch if mode == "--torch" else set(headers) - torch)
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        if PRECOMPILED in chosen:
            # Found before the header itself because its folder is searched first.
            out = pathlib.Path(scratch, PRECOMPILED + ".gch")
            out.parent.mkdir(parents=True)
            subprocess.run(command + ["-I", str(ROOT), "-x", "c++-header", PRECOMPILED, "-o", str(out)], cwd=ROOT, check=True)
        command += ["-I", scratch, "-I", str(ROOT)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for header, status, errors in pool.map(lambda name: compile_alone(command, name), chosen):
                if status != 0:
                    failures += 1
                    print(f"{header} does not compile alone:\n{errors}")
    print(f"{len(chosen)} headers, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
