#!/usr/bin/env python3
"""The example websocket in a real browser: one WebSocket over reloads, with what it has counted. Run by `scripts/test --browser`."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # leaves nothing behind among the sources

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.chrome.service import Service

RELOADS = 5
PATIENCE = 30  # seconds for anything that a browser must show
CHROMIUM = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]


class Instance:
    """sup with the example, in a folder of its own."""

    def __init__(self, sup, example, folder):
        self._sup = sup
        self._environment = {**os.environ, "SUP_RUNTIME_DIR": str(folder / "run")}
        shutil.copy(example, folder / "websocket-server")
        self._config = folder / "page.json"
        self._config.write_text(json.dumps({
            "listen": [{"name": "http", "address": "127.0.0.1:0"}],
            "worker": {"command": ["./websocket-server"], "count": 2},
            "reload": {"soak": "0s"}, "log": {"file": str(folder / "sup.log")}}))

    def __enter__(self):
        self._run("start", str(self._config))
        return self

    def __exit__(self, *_):
        self._run("stop", "page")

    def _run(self, *arguments):
        done = subprocess.run([self._sup, *arguments], env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"sup {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def reload(self):
        self._run("reload", "page", "--drained")

    def status(self):
        return json.loads(self._run("status", "page", "--json"))

    def address(self):
        return self.status()["listeners"][0]["address"]


def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in CHROMIUM:
        options.add_argument(argument)
    return webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)


class Page:
    def __init__(self, driver, address):
        self._driver = driver
        driver.get(f"http://{address}/")
        self.wait("a socket", lambda: self.value("opened") == 1)

    def value(self, name):
        text = self._driver.find_element(By.ID, name).get_property("value")
        return int(text) if text.isdigit() else None

    def say(self, text):
        field = self._driver.find_element(By.ID, "text")
        field.send_keys(text)
        field.submit()

    def wait(self, what, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                seen = {name: self.value(name) for name in ("opened", "count", "generation")}
                sys.exit(f"the page does not show {what}; it shows {seen}")
            time.sleep(0.02)


def check(instance, page):
    for number in range(1, RELOADS + 2):
        if number > 1:
            instance.reload()
        page.say(f"message {number}")
        page.wait(f"message {number}", lambda: page.value("count") == number)
        page.wait(f"generation {number}", lambda: page.value("generation") == number)
        page.wait("its first socket still", lambda: page.value("opened") == 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sup", required=True, type=Path)
    parser.add_argument("--example", required=True, type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sup-browser-") as folder:
        with Instance(str(options.sup.resolve()), options.example.resolve(), Path(folder)) as instance:
            driver = browser()
            try:
                check(instance, Page(driver, instance.address()))
            finally:
                driver.quit()
    print(f"one WebSocket, {RELOADS} reloads, {RELOADS + 1} messages: nothing was lost")


if __name__ == "__main__":
    main()
