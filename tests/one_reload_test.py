#!/usr/bin/env python3
"""docs/one-reload.md leads through files and functions that are there, in at most twenty stops."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STOP = re.compile(r"^(\d+)\. (.*?)(?=^\d+\. |^## |\Z)", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`\n]+)`")
FUNCTION = re.compile(r"^(?:[A-Za-z]+::)?[a-z][a-z_]*$")
# Quoted in the same way, but no functions of ours.
OTHERS = {"sup"}


def stops(page):
    return [(int(number), text) for number, text in STOP.findall(page)]


def missing(number, text):
    """What the stop names and is not there. A function is to be defined in a file of the stop, or, with its class, anywhere."""
    names = QUOTED.findall(text)
    files = [name for name in names if "/" in name and not name.endswith(".md")]
    if not files:
        yield f"stop {number} names no file"
    for file in files:
        if not (ROOT / file).is_file():
            yield f"stop {number}: there is no {file}"
    here = "\n".join((ROOT / file).read_text() for file in files if (ROOT / file).is_file())
    for name in names:
        if not FUNCTION.match(name) or name in OTHERS:
            continue
        text = everything() if "::" in name else here
        if not re.search(rf"\b{name}\((?:[^;]|\n)*?\)[^;\n]*{{", text):
            yield f"stop {number}: nothing defines {name}"


def everything():
    sources = [path for top in ("master", "worker") for path in (ROOT / top).rglob("*.cpp")]
    headers = [path for path in (ROOT / "master").rglob("*.h")]
    return "\n".join(path.read_text() for path in sources) + in_classes(headers)


def in_classes(headers):
    """A function that is defined within its class, as it would be outside."""
    found = []
    for header in headers:
        name = None
        for line in header.read_text().splitlines():
            begins = re.match(r"class (\w+)", line)
            name = begins[1] if begins else name
            function = re.match(r"    [\w:<>&* ]*?\b(\w+)\(.*\{", line)
            if name and function:
                found.append(f"{name}::{function[1]}() {{")
    return "\n" + "\n".join(found)


def main():
    walk = stops((ROOT / "docs/one-reload.md").read_text())
    assert [number for number, _ in walk] == list(range(1, len(walk) + 1)), "the stops are not numbered in order"
    assert 10 <= len(walk) <= 20, f"{len(walk)} stops"
    wrong = [line for number, text in walk for line in missing(number, text)]
    assert not wrong, "\n".join(wrong)
    # What is not there is found.
    assert list(missing(1, "`master/core/reload.cpp`: `promote_nothing`"))
    assert list(missing(1, "`master/core/no_such_file.cpp`: `promote`"))
    assert list(missing(1, "`master/core/reload.cpp`: `Desk::leave`"))


if __name__ == "__main__":
    sys.exit(main())
