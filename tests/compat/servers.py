"""The servers of the compatibility suite: each is an example of config/examples, and what the suite must know of it."""

from dataclasses import dataclass, field


@dataclass
class Twin:
    """A release that cannot serve: one file of the example is another. sup must refuse it, and what served serves on."""

    file: str
    text: str  # what the file holds then; with `instead_of`, what stands there in its place
    instead_of: str = ""


# Of servers that load the application: what it needs is not there.
PYTHON = Twin("app.py", "import no_such_module\n")
WORKER = Twin("worker.py", "#!/usr/bin/env python3\nimport no_such_module\n")
RACK = Twin("config.ru", "require 'no_such_library'\n")
PSGI = Twin("app.psgi", "use No::Such::Module;\n")
PROGRAM = Twin("server", "#!/bin/sh\necho cannot open the database >&2\nexit 1\n")


@dataclass
class Server:
    name: str  # of the example's folder
    packages: list
    broken: Twin
    build: list = field(default_factory=list)  # a command to be run in a copy of the folder first
    script: str = ""  # FastCGI is spoken, and this is asked for
    lines: bool = False  # a line is sent, and comes back in the answer
    # Whether its answers say "Connection: close" while it drains, so that keep-alive clients lose nothing either.
    keepalive: bool = False
    quick: bool = False
    unix: bool = False  # also tried on a unix socket
    known_loss: str = ""  # a loss that is the server's own doing, in a sentence; --alone shows it without sup


SERVERS = [
    Server("gunicorn", ["gunicorn"], PYTHON, quick=True, unix=True),
    Server("uvicorn", ["uvicorn"], PYTHON,
           known_loss="at SIGTERM it closes connections that it has accepted and whose request it has not read yet"),
    Server("hypercorn", ["python3-hypercorn"], PYTHON,
           known_loss="at SIGTERM it does not wait for a connection that it has just accepted (rare)"),
    Server("node", ["nodejs"], Twin("app.js", "require('no-such-module')\n"), keepalive=True),
    Server("go", ["golang-go"], PROGRAM, build=["go", "build", "-o", "server", "main.go"]),
    Server("puma", ["puma", "ruby-sd-notify"], RACK, keepalive=True),
    Server("unicorn", ["unicorn"], RACK, keepalive=True),
    Server("starlet", ["starlet", "libplack-perl", "libserver-starter-perl"], PSGI, keepalive=True, quick=True),
    Server("starman", ["starman", "libnet-server-ss-prefork-perl"], PSGI,
           known_loss="a child that is told to go between accept() and its note that it is connected exits at once"),
    Server("nginx", ["nginx"], Twin("nginx.conf", "no_such_directive;", "daemon off;"), quick=True),
    Server("haproxy", ["haproxy"], Twin("haproxy.cfg", "no such section\n"), quick=True),
    Server("php-fpm", ["php-fpm"], Twin("php-fpm.conf", "pm = no-such-manager", "pm = static"), script="app.php", unix=True),
    Server("uwsgi", ["uwsgi-core", "uwsgi-plugin-python3"], PYTHON),
    Server("c", ["gcc", "libc6-dev"], PROGRAM, build=["cc", "-O2", "-o", "server", "server.c"]),
    Server("fcgiwrap", ["fcgiwrap"], Twin("sup.json", '["fcgiwrap", "-x"]', '["fcgiwrap"]'), script="app.sh",
           known_loss="the signal interrupts its wait for the script, which it answers with 502; the script is left behind"),
    Server("shell", ["perl"], Twin("sup.json", "./no-such-script", "./answer.sh")),
    Server("einhorn", ["python3"], WORKER),
    Server("python-handoff", ["python3"], WORKER, lines=True),
]
