#!/usr/bin/env python3
"""The check of imports finds one that is planted, wherever, and says which."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLANTED = {  # file, what it then includes: upward, sideways, from the other house, from the tests, from nowhere
    "master/core/step.cpp": "master/spawn/spawn.h",
    "master/spawn/spawn.h": "master/instance/instance.h",
    "master/control/protocol.cpp": "master/status/picture.h",
    "config/value.cpp": "master/core/state.h",
    "common/uv.h": "worker/lifecycle/core.h",
    "worker/lifecycle/core.h": "worker/http/protocol.h",
    "worker/include/sup/worker.h": "sup/http/server.h",
    "master/cli/table.cpp": "tests/catch.h",
    "worker/http/link.cpp": "link_that_is_missing.h",
}


def check(root):
    return subprocess.run([ROOT / "scripts/imports", root], capture_output=True, text=True)


def main():
    clean = check(ROOT)
    assert clean.returncode == 0 and not clean.stdout, clean.stdout
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder)
        for top in ("common", "config", "master", "worker", "tests"):
            shutil.copytree(ROOT / top, copy / top, ignore=lambda _, names: [
                name for name in names if "." in name and not name.endswith((".h", ".cpp"))])
        for source, include in PLANTED.items():
            file = copy / source
            before = file.read_text()
            file.write_text(f'#include "{include}"\n{before}')
            found = check(copy)
            file.write_text(before)
            assert found.returncode == 1, f"{source} may include {include}"
            lines = found.stdout.splitlines()
            assert len(lines) == 1 and source in lines[0] and include in lines[0], found.stdout
        assert check(copy).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
