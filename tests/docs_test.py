"""Compares the documents with the program and the code: the tables of environments and agents in README.md must equal what
`corvid list` prints, envs/README.md what envs/make_readme.py makes, every `./corvid` line must name a command and options
that its --help lists, and every reference to a line of code (`file.cpp:12` `words of that line`) must be right.

Usage: docs_test.py <corvid program> [root]     docs_test.py --fix    writes the right line numbers into the references
"""

import fnmatch
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

DOCUMENTS = ["README.md", "CONTRIBUTING.md", "agents/README.md", "agents/bandit/README.md", "agents/tabular/README.md",
             "agents/value/README.md", "envs/README.md", "docs/explain.md", "docs/formats.md", "docs/speed.md", "docs/watching.md"]
LAUNCHER_COMMANDS = {"test", "build", "setup", "lint", "clean"}
LAUNCHER_OPTIONS = {"--torch", "--no-install"}
CODE_LINE = re.compile(r"`([\w./]+\.(?:h|cpp|py)):(\d+)`(\s+)`([^`]+)`")


def run(program, *arguments):
    result = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    return result.returncode, result.stdout, result.stderr


def table_ids(text, heading):
    """First cells of the Markdown table below the heading that begins with `heading`; None without a table."""
    section = re.search(rf"^#+ {heading}\b.*?$(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    rows = re.findall(r"^\|(.*)\|[ \t]*$", section.group(1), re.MULTILINE) if section else []
    if len(rows) < 3:
        return None
    cells = [[cell.strip() for cell in row.split("|")] for row in rows[2:]]
    return [name for row in cells for name in re.findall(r"`([^`]+)`", row[0])]


def check_table(text, heading, program, kind):
    status, out, errors = run(program, "list", kind, "--json")
    if status != 0:
        return [f"corvid list {kind} --json failed: {errors.strip()}"]
    listed = [entry["id"] for entry in json.loads(out)]
    written = table_ids(text, heading)
    if written is None:
        return [f"README.md has no table below the heading '{heading}'"]
    # A name with * stands for a family.
    problems = [f"README.md: {heading} lists {name}, which corvid list {kind} does not" for name in written
                if not fnmatch.filter(listed, name)]
    problems += [f"README.md: {heading} lacks {name}" for name in listed
                 if not any(fnmatch.fnmatchcase(name, pattern) for pattern in written)]
    problems += [f"README.md: {heading} lists {name} twice" for name in sorted(set(written)) if written.count(name) > 1]
    return problems


def command_lines(text):
    """(line number, words) of every ./corvid call in code blocks and code spans; a trailing backslash continues it."""
    for match in re.finditer(r"(?:(?<=`)|^[ \t]*(?:\$ )?)(?:[A-Z_]+=\S+ )*\./corvid\b((?:\\\n|[^`\n])*)", text, re.MULTILINE):
        words = shlex.split(match.group(1).replace("\\\n", " "), comments=True)
        for end in ("|", ">", "&&", ";", "&"):
            if end in words:
                words = words[: words.index(end)]
        yield text.count("\n", 0, match.start()) + 1, words


def help_options(program, command, cache):
    """The options that the help of `command`, a word or two, names, or None when there is no such command."""
    if command not in cache:
        status, out, errors = run(program, *command.split(), "--help")
        cache[command] = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*|(?<![\w-])-[a-zA-Z]\b", out + errors)) if status == 0 else None
    return cache[command]


def check_commands(name, text, program):
    problems, cache = [], {}
    for number, words in command_lines(text):
        while words and words[0].split("=")[0] in LAUNCHER_OPTIONS:
            words = words[2:] if words[0] == "--torch" else words[1:]
        if not words or words[0] in LAUNCHER_COMMANDS or words[0].startswith(("-", "<", "...", "…")):
            continue
        has_parts = words[0] == "bench" and len(words) > 1 and not words[1].startswith("-")
        command = " ".join(words[:2]) if has_parts else words[0]
        options = help_options(program, command, cache)
        if options is None:
            problems.append(f"{name}:{number}: corvid {command} --help fails; is there such a command?")
            continue
        for word in words[1:]:
            option = word.split("=")[0]
            if option in ("--help", "-h"):
                continue
            if re.match(r"--?[a-zA-Z]", word) and option not in options and option.replace("_", "-") not in options:
                problems.append(f"{name}:{number}: corvid {command} --help does not name {option}")
    return problems


def line_of(root, path, number, words):
    """The line of the file that holds the words, the nearest one to `number`; None when there is none."""
    source = root / path
    lines = source.read_text(encoding="utf-8").splitlines() if source.is_file() else []
    found = [place for place, line in enumerate(lines, 1) if words in line]
    return min(found, key=lambda place: abs(place - number), default=None)


def check_code_lines(name, text, root):
    problems = []
    for path, number, _, words in CODE_LINE.findall(text):
        found = line_of(root, path, int(number), words)
        if found is None:
            problems.append(f"{name}: no line of {path} holds `{words}`")
        elif found != int(number):
            problems.append(f"{name}: `{words}` is line {found} of {path}, not {number}; run tests/docs_test.py --fix")
    return problems


def fix_code_lines(root):
    def fixed(match):
        path, number, space, words = match.groups()
        return f"`{path}:{line_of(root, path, int(number), words) or number}`{space}`{words}`"

    for name in DOCUMENTS:
        document = root / name
        if document.is_file():
            document.write_text(CODE_LINE.sub(fixed, document.read_text(encoding="utf-8")), encoding="utf-8")


def check_env_readme(program, root):
    """envs/README.md and its pictures must be what envs/make_readme.py makes."""
    with tempfile.TemporaryDirectory() as folder:
        maker = [sys.executable, str(root / "envs/make_readme.py"), program, folder]
        made = subprocess.run(maker, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            return [f"envs/make_readme.py failed: {made.stderr.strip()}"]
        fresh = pathlib.Path(folder)
        names = {path.relative_to(base) for base in (fresh, root) for path in (base / "docs/pictures").glob("*.svg")}
        differing = [str(name) for name in sorted(names | {pathlib.Path("envs/README.md")})
                     if not (root / name).is_file() or not (fresh / name).is_file()
                     or (root / name).read_bytes() != (fresh / name).read_bytes()]
    return [f"{name} is not what envs/make_readme.py makes; run envs/make_readme.py build/corvid" for name in differing]


def main():
    if sys.argv[1:] == ["--fix"]:
        fix_code_lines(pathlib.Path(__file__).resolve().parent.parent)
        return 0
    program = str(pathlib.Path(sys.argv[1]).resolve())
    root = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).resolve().parent.parent)
    problems = []
    for name in DOCUMENTS:
        path = root / name
        if not path.is_file():
            problems.append(f"{name} is missing")
            continue
        text = path.read_text(encoding="utf-8")
        problems += check_commands(name, text, program)
        problems += check_code_lines(name, text, root)
        if name == "README.md":
            problems += check_table(text, "Environments", program, "envs")
            problems += check_table(text, "Agents", program, "agents")
    problems += check_env_readme(program, root)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
