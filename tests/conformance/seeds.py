#!/usr/bin/env python3
"""Writes the requests of cases.json into a folder, one a file: seeds for the fuzzer of HTTP.   seeds.py FOLDER"""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from beside_nginx import CASES, bytes_of  # noqa: E402

for number, case in enumerate(json.loads(CASES.read_text())["cases"]):
    sent = bytes_of(case["send"])
    if len(sent) <= 4096:  # more the fuzzer cuts off
        Path(sys.argv[1], f"case-{number}").write_bytes(sent)
