"""A worker that prints many lines once it is told to. Arguments: how many lines, and a folder: `go` begins, `done` ends it."""

import pathlib
import sys
import time


def main():
    lines, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    while not (folder / "go").exists():
        time.sleep(0.02)
    padding = "y" * 84
    for number in range(lines):
        sys.stdout.write(f"line {number:09} {padding}\n")
    sys.stdout.flush()
    (folder / "done").touch()
    while True:
        time.sleep(1)


main()
