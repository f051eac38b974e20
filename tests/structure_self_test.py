"""Breaks every rule of structure_test.py once, in a scratch tree, and expects it to be found."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import structure_test  # noqa: E402

GOOD = {
    "core/base/a.h": "// A.\n#pragma once\n",
    "core/env/b.h": '// B.\n#pragma once\n\n#include "core/base/a.h"\n',
    "core/nn/c.h": "// C.\n#pragma once\n#include <ATen/ATen.h>\n",
    "envs/x/game.cpp": '#include "core/env/b.h"\n',
    "agents/x/agent.cpp": '#include "core/nn/c.h"\n',
    "render/window.cpp": "#include <SDL2/SDL.h>\n",
}


class StructureTest(unittest.TestCase):
    def problems(self, **changes):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**GOOD, **changes.get("files", {})}.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return structure_test.check_tree(root)[0]

    def expect(self, text, **files):
        files = {name.replace("__", "/").replace("_cpp", ".cpp").replace("_h", ".h"): body
                 for name, body in files.items()}
        problems = self.problems(files=files)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(text, problems[0])

    def test_a_good_tree_has_no_problem(self):
        self.assertEqual(self.problems(), [])

    def test_a_lower_layer_including_a_higher_one(self):
        self.expect("may include only core/base", core__base__z_cpp='#include "core/env/b.h"\n')

    def test_the_standard_library_in_vector_kernels(self):
        self.expect("vector kernels include", **{"core__nn__z.simd_cpp": "#include <algorithm>\n"})

    def test_text_that_is_still_to_come(self):
        self.expect("unfinished", **{"docs__z.md": "FIGURES\n"})

    def test_torch_below_nn(self):
        self.expect("LibTorch begins", core__env__z_cpp="#include <ATen/ATen.h>\n")
        self.expect("LibTorch begins", core__io__z_cpp="#include <torch/torch.h>\n")
        self.expect("LibTorch begins", envs__x__z_cpp="#  include <c10/core/Scalar.h>\n")

    def test_torch_through_another_layer(self):
        self.expect("may include only core/base, core/env, core/simd, core/io", core__io__z_cpp='#include "core/nn/c.h"\n')

    def test_an_environment_including_more_than_base_and_env(self):
        self.expect("may include only core/base, core/env", envs__x__z_cpp='#include "core/nn/c.h"\n')

    def test_an_agent_including_an_environment(self):
        self.expect("may include only core, agents", agents__x__z_cpp='#include "envs/x/game.cpp"\n')

    def test_sdl_outside_render(self):
        self.expect("SDL lives in render", core__run__z_cpp="#include <SDL2/SDL.h>\n")

    def test_an_unknown_layer(self):
        self.expect("no such layer", core__misc__z_cpp="int z;\n")

    def test_an_include_that_names_no_file(self):
        self.expect("no file of the project", core__base__z_cpp='#include "a.h"\n')

    def test_a_header_without_comment_or_pragma(self):
        self.expect("starts with a comment", core__base__z_h="#pragma once\n")
        self.expect("comes first", core__base__z_h="// Z.\n#include <vector>\n#pragma once\n")
        self.expect("has no #pragma once", core__base__z_h="// Z.\n")

    def test_a_circle(self):
        self.expect("circle: core/base/y.h -> core/base/z.h -> core/base/y.h",
                    core__base__y_h='// Y.\n#pragma once\n#include "core/base/z.h"\n',
                    core__base__z_h='// Z.\n#pragma once\n#include "core/base/y.h"\n')

    def test_unfinished_work_and_machine_paths(self):
        self.expect("unfinished work", core__base__z_cpp="int z;  // " + "TO" + "DO: more\n")
        self.expect("path of one machine", core__base__z_cpp='const char* z = "/ho' + 'me/someone/z";\n')


if __name__ == "__main__":
    unittest.main()
