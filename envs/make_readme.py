#!/usr/bin/env python3
"""Makes envs/README.md and the pictures in docs/pictures from what the program and the sources say:

envs/make_readme.py build/corvid           makes both
envs/make_readme.py build/corvid FOLDER    makes them below FOLDER, for comparison
"""

import itertools
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEAD = """# Environments

Made by `envs/make_readme.py` from the program; do not edit. The `Probe/` environments, each of which isolates one part of an
agent, the `Bandit/` ones, each episode of which is a problem of its own, `CarRacingDiscrete-v3`, the `CarRacing` ids with `State`
and `CartPoleNoVel-v1` are ours. All other ids are those of the official packages, and apart from what is said of a family and the
deviations below, so are spaces, step limits, thresholds and all episodes: the same id, seed and actions give the same
observations and rewards to the last bit. "Solved at" is the mean return that counts as solved, where there is such a number.
Options are given with `--env-set name=value`; the tables show their defaults, and `./corvid info <id>` explains them. A picture
shows the first state of seed 0.
"""
FAMILIES = {"classic_control": "Classic control", "toy_text": "Toy text", "box2d": "Box2D", "minatar": "MinAtar",
            "minigrid": "MiniGrid", "babyai": "BabyAI", "bandit": "Bandits", "probe": "Probes"}

MINIGRID = """`image` is an array [column, row, 3] of the cells that the agent sees, a square of `agent_view_size` cells turned so that the
agent looks up: columns from its left to its right, rows from the farthest to its own. It stands in the middle column of the last
row, `image[3, 6]` of the default 7; there the image shows what it carries. With `observation = "full"` the array is [x, y, 3], from
the left upper corner of the grid, and shows the agent itself: kind agent, red, its direction as the state. `direction` is where it
looks: 0 right, 1 down, 2 left, 3 up. The three numbers of a cell are

| number | meaning |
| --- | --- |
| kind | @KINDS@ |
| colour | @HUES@; 0 also where there is no colour |
| state, of doors | @STATES@; 0 of all else |

A cell that the agent does not see is 0, 0, 0. `one_hot` has a number of 0 or 1 for each kind, then each colour, then each state.
`rgb` is a picture [row, column, 3] of the whole grid, `rgb_partial` of what the agent sees, with `tile_size` pixels along a cell;
`image` is the image alone, without the other leaves. `flat` is one array: the image, then for each of 96 letters of the mission
28 numbers, of which one is 1: a to z, blank, comma.

`mission` is a text, at most as long as the longest of the level and padded with zero bytes. `mission_tokens`, which the package
does not have, is the same sentence in numbers of words, padded with 0. BabyAI has the same numbers:

@WORDS@.

Wrappers of the package that are options here: `FullyObsWrapper`, `RGBImgObsWrapper`, `RGBImgPartialObsWrapper`,
`OneHotPartialObsWrapper`, `ImgObsWrapper` and `FlatObsWrapper` are values of `observation`, `ViewSizeWrapper` is
`agent_view_size`. There is no `SymbolicObsWrapper`, `DirectionObsWrapper`, `DictObservationSpaceWrapper`, `NoDeath`,
`StochasticActionWrapper`, `PositionBonus`, `ActionBonus` or `ReseedWrapper`, and there are no ids `MiniGrid-WFC-*`.

Refused, in BabyAI as well: an `agent_view_size` above 11, grids of more than 25 cells along a side, more than three rooms along a
side, and rooms of more than nine cells where there are three in a row. Options whose names the package writes together are divided
here, as `num_objs` for `numObjs`. Where no level fits the options after 1,000,000 tries, that is an error; the package goes on for
ever.
"""


def numbered(names):
    return ", ".join(f"{number} {name}" for number, name in enumerate(names))


def minigrid_text():
    """MINIGRID with the names that the sources give to numbers."""
    grid, mission = ((ROOT / "envs/minigrid" / file).read_text(encoding="utf-8") for file in ("grid.h", "mission.h"))

    def enumerators(name):
        entries = re.search(rf"enum (?:class )?{name} : \S+ {{(.*?)}}", grid).group(1).split(",")
        return [entry.strip().removeprefix("k").lower() for entry in entries]

    words = re.findall(r'"(.*?)"', re.search(r"kVocabulary = .*?\((.*?)\);", mission, re.DOTALL).group(1))
    words = [f"{number} `{word}`" for number, word in enumerate(words) if word]
    return (MINIGRID.replace("@KINDS@", numbered(enumerators("Kind"))).replace("@HUES@", numbered(enumerators("Hue")))
            .replace("@STATES@", numbered(enumerators("DoorState"))).replace("@WORDS@", ", ".join(words)))


NOTES = {"minatar": lambda: "Cells are numbers of 0 and 1 (uint8), in the package truth values (bool).\n",
         "minigrid": minigrid_text,
         "babyai": lambda: "Observations are those of [MiniGrid](#minigrid), where it is said how to read them and what is refused.\n"}


def run(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def options_of(env):
    """From lines "  name = default  help (range)"."""
    return [f"`{match.group(1)}`" for match in re.finditer(r"^  (\S+ = .*?)  ", env["options"], re.MULTILINE)]


def limit_text(env):
    if env["max_episode_steps"] == 0 and env["max_steps"] > 0:
        return f"at most {env['max_steps']}"
    return str(env["max_episode_steps"]) if env["max_episode_steps"] else "none"


def columns_of(env, options):
    spaces = {key: "`" + " ".join(env[key].split()) + "`" for key in ("observation_space", "action_space")}
    return {"id": f"`{env['id']}`", "what it is": env["summary"], "observations": spaces["observation_space"],
            "actions": spaces["action_space"], "reward": env["reward"], "step limit": limit_text(env),
            "solved at": "" if env["reward_threshold"] is None else f"{env['reward_threshold']:g}",
            "options": ", ".join(options)}


def table(rows):
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *(row.values() for row in rows)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def head_of(file):
    """The lines "Source: ..." and "Deviation: ..." at the top of a source file, each as one line."""
    text = ""
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        if not line.startswith("//"):
            break
        text += line[2:].strip() + "\n"
    found = {}
    for name in ("Source", "Deviation"):
        match = re.search(rf"^{name}: (.*?)(?=^\S+: |^$|\Z)", text, re.MULTILINE | re.DOTALL)
        found[name] = " ".join(match.group(1).split()) if match else ""
    return found


def family_text(family, envs, pictures):
    options = {env["id"]: options_of(env) for env in envs}
    # What all members share is said once.
    shared = [o for o in options[envs[0]["id"]] if len(envs) > 3 and all(o in known for known in options.values())]
    drawn = {env["id"]: (pictures / picture_name(env["id"])).exists() for env in envs}  # probes are not
    rows = [{"picture": f'<img src="../docs/pictures/{picture_name(env["id"])}" width="90" alt="">' if drawn[env["id"]] else "",
             **columns_of(env, [o for o in options[env["id"]] if o not in shared])} for env in envs]
    text = f"\n## {FAMILIES.get(family, family)}\n\n"
    if family in NOTES:
        text += NOTES[family]() + "\n"
    if not any(drawn.values()):
        for row in rows:
            del row["picture"]
    for name in ("observations", "actions", "reward", "step limit", "solved at", "options"):
        values = {row[name] for row in rows}
        if len(rows) > 3 and len(values) == 1:
            value = values.pop()
            for row in rows:
                del row[name]
            if value:
                text += f"All of them: {name} {value}.\n\n"
    if shared:
        text += f"Options of all of them: {', '.join(shared)}.\n\n"
    text += table(rows) + "\n"
    for file in dict.fromkeys(env["file"] for env in sorted(envs, key=lambda env: env["file"])):
        head = head_of(file)
        text += f"- [{file}]({file.removeprefix('envs/')}). Source: {head['Source']} Deviation: {head['Deviation']}\n"
    return text


def picture_name(env):
    return env.replace("/", "_") + ".svg"


def main():
    program, target = sys.argv[1], pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT
    pictures = target / "docs/pictures"
    for old in pictures.glob("*.svg"):
        old.unlink()
    envs = json.loads(run(program, "list", "envs", "--json", "--draw", str(pictures)))
    order = list(FAMILIES)
    envs.sort(key=lambda env: (order.index(env["family"]) if env["family"] in order else len(order), env["id"]))
    text = HEAD + "".join(family_text(family, list(members), pictures)
                          for family, members in itertools.groupby(envs, key=lambda env: env["family"]))
    (target / "envs").mkdir(exist_ok=True)
    (target / "envs/README.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
