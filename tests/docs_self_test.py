"""Gives docs_test.py a stand-in program and documents with one mistake each."""

import pathlib
import stat
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import docs_test  # noqa: E402

PROGRAM = """#!/bin/sh
case "$1 $2" in
  "list envs") echo '[{"id": "CartPole-v1"}, {"id": "Taxi-v4"}]' ;;
  "list agents") echo '[{"id": "ppo"}]' ;;
  "train --help") echo '  --agent arg   which agent'; echo '  --env arg   which environment'; echo '  --learning-rate arg' ;;
  *) echo "unknown command" >&2; exit 2 ;;
esac
"""
README = """# Corvid

```
./corvid train --agent ppo \\
    --env CartPole-v1 --learning_rate=0.1   # a comment
./corvid test -R Rng
./corvid train --help
```

## Environments

| id | rules |
|---|---|
| `CartPole-v1` | pole |
| `Taxi-v4` | taxi |

## Agents

| id | paper |
|---|---|
| `ppo` | 2017 |
"""


class DocsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        program = pathlib.Path(self.folder.name, "corvid")
        program.write_text(PROGRAM, encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.program = str(program)

    def problems(self, text):
        return (docs_test.check_commands("README.md", text, self.program)
                + docs_test.check_table(text, "Environments", self.program, "envs")
                + docs_test.check_table(text, "Agents", self.program, "agents"))

    def expect(self, message, old, new):
        self.assertIn(old, README)
        problems = self.problems(README.replace(old, new))
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(message, problems[0])

    def test_right_documents_have_no_problem(self):
        self.assertEqual(self.problems(README), [])
        self.assertEqual(len(list(docs_test.command_lines(README))), 3)

    def test_tables(self):
        self.expect("lacks Taxi-v4", "| `Taxi-v4` | taxi |\n", "")
        self.expect("lists sac", "| `ppo` | 2017 |\n", "| `ppo` | 2017 |\n| `sac` | 2018 |\n")
        self.expect("twice", "| `ppo` | 2017 |\n", "| `ppo` | 2017 |\n| `ppo` | 2017 |\n")
        self.expect("no table", "## Agents", "## Others")

    def test_commands(self):
        self.expect("does not name --environment", "--env CartPole", "--environment CartPole")
        self.expect("is there such a command", "./corvid train --agent", "./corvid trian --agent")

    def test_code_lines(self):
        root = pathlib.Path(self.folder.name)
        (root / "a.cpp").write_text("int x;\nint y;\nint x2;\n", encoding="utf-8")
        self.assertEqual(docs_test.check_code_lines("d", "`a.cpp:2`\n`int y`", root), [])
        self.assertIn("is line 2 of a.cpp, not 3", docs_test.check_code_lines("d", "`a.cpp:3` `int y`", root)[0])
        self.assertIn("no line of a.cpp", docs_test.check_code_lines("d", "`a.cpp:3` `int z`", root)[0])
        self.assertIn("no line of b.cpp", docs_test.check_code_lines("d", "`b.cpp:1` `int x`", root)[0])
        (root / "README.md").write_text("`a.cpp:9` `int x` `a.cpp:1`\n  `int y`", encoding="utf-8")
        docs_test.fix_code_lines(root)
        self.assertEqual((root / "README.md").read_text(encoding="utf-8"), "`a.cpp:3` `int x` `a.cpp:2`\n  `int y`")


if __name__ == "__main__":
    unittest.main()
