#!/usr/bin/python3
"""An editor's view: a validator that is not ours takes what `sup schema` prints for a JSON Schema of draft 2020-12, and
tells good configurations from bad ones by it, at the right place.

    editor_test.py SUP

Exits with 77, which ctest calls skipped, where python3-jsonschema is not installed.
"""
import copy
import json
import subprocess
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("skipped: python3-jsonschema is not installed (scripts/setup installs it)")
    sys.exit(77)

SMALL = {"listen": [{"address": "127.0.0.1:8080"}], "worker": {"command": ["./server"]}}


def config(**keys):
    """SMALL with further keys; those of worker and of the listener are added to what is there."""
    result = copy.deepcopy(SMALL)
    result["worker"].update(keys.pop("worker", {}))
    result["listen"][0].update(keys.pop("listener", {}))
    result.update(keys)
    return result


GOOD = {
    "the smallest": SMALL,
    "no sockets": config(listen=[]),
    "a unix socket with its file": config(listener={"address": "unix:/run/x.sock", "mode": "0660", "group": "www-data"}),
    "numbers or words": config(worker={"count": "auto"}),
    "readiness as a word": config(worker={"ready": "notify"}),
    "readiness as a duration": config(worker={"ready": "2s"}),
    "readiness as an object": config(worker={"ready": {"fd": 4}}),
    "rolling": config(reload={"strategy": "rolling", "max_surge": 2}),
    "a whole log": config(log={"workers": "capture", "keep": 2, "when_slow": {"wait": "forever", "queue": "1MiB"}}),
}

# Where the mistake is, and the rule that finds it.
BAD = {
    "not an object": ([], "", "type"),
    "no worker": ({"listen": []}, "", "required"),
    "no command": ({"listen": [], "worker": {}}, "worker", "required"),
    "an unknown key": (config(nmae="x"), "", "additionalProperties"),
    "an unknown key inside": (config(log={"when_slow": {"wiat": "1s"}}), "log/when_slow", "additionalProperties"),
    "a command line": (config(worker={"command": "./server -v"}), "worker/command", "type"),
    "an empty program": (config(worker={"command": [""]}), "worker/command/0", "pattern"),
    "no workers": (config(worker={"count": 0}), "worker/count", "oneOf"),
    "readiness by connection": (config(worker={"ready": {"connect": "http"}}), "worker/ready", "oneOf"),
    "a number for a duration": (config(drain={"timeout": 30}), "drain/timeout", "type"),
    "a duration without a unit": (config(drain={"timeout": "30"}), "drain/timeout", "pattern"),
    "a name of no choice": (config(reload={"strategy": "restart"}), "reload/strategy", "enum"),
    "a variable that sup sets": (config(worker={"env": {"LISTEN_FDS": "1"}}), "worker/env", "not"),
    "a mode of a TCP socket": (config(listener={"mode": "0660"}), "listen/0/mode", None),
    "max_surge without rolling": (config(reload={"max_surge": 2}), "reload/max_surge", None),
    "bounds for what is not seen": (config(log={"workers": "inherit", "keep": 1}), "log/keep", None),
}


def problems(validator, document):
    return [("/".join(map(str, error.absolute_path)), error.validator) for error in validator.iter_errors(document)]


def main():
    schema = json.loads(subprocess.run([sys.argv[1], "schema"], check=True, capture_output=True, text=True).stdout)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    failures = []
    for name, document in GOOD.items():
        found = problems(validator, document)
        if found:
            failures.append(f"{name} is good, and was refused: {found}")
    for name, (document, place, rule) in BAD.items():
        found = problems(validator, document)
        if found != [(place, rule)]:
            failures.append(f"{name}: expected {rule} at {place!r}, found {found}")
    print("\n".join(failures) or f"{len(GOOD)} good and {len(BAD)} bad configurations were told apart")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
