"""The servers of the compatibility suite: each is an example of config/examples, and what the suite must know of it."""

from dataclasses import dataclass, field


@dataclass
class Server:
    name: str  # of the example's folder
    packages: list
    build: list = field(default_factory=list)  # a command to be run in a copy of the folder first
    script: str = ""  # FastCGI is spoken, and this is asked for
    # Whether its answers say "Connection: close" while it drains, so that keep-alive clients lose nothing either.
    keepalive: bool = False
    quick: bool = False
    unix: bool = False  # also tried on a unix socket
    known_loss: str = ""  # a loss that is the server's own doing, in a sentence; --alone shows it without sup


SERVERS = [
    Server("gunicorn", ["gunicorn"], quick=True, unix=True),
    Server("uvicorn", ["uvicorn"],
           known_loss="at SIGTERM it closes connections that it has accepted and whose request it has not read yet"),
    Server("hypercorn", ["python3-hypercorn"],
           known_loss="at SIGTERM it does not wait for a connection that it has just accepted (rare)"),
    Server("node", ["nodejs"], keepalive=True),
    Server("go", ["golang-go"], build=["go", "build", "-o", "server", "main.go"]),
    Server("puma", ["puma", "ruby-sd-notify"], keepalive=True),
    Server("unicorn", ["unicorn"], keepalive=True),
    Server("starlet", ["starlet", "libplack-perl", "libserver-starter-perl"], keepalive=True, quick=True),
    Server("starman", ["starman", "libnet-server-ss-prefork-perl"],
           known_loss="a child that is told to go between accept() and its note that it is connected exits at once"),
    Server("nginx", ["nginx"], quick=True),
    Server("haproxy", ["haproxy"], quick=True),
    Server("php-fpm", ["php-fpm"], script="app.php", unix=True),
    Server("uwsgi", ["uwsgi-core", "uwsgi-plugin-python3"]),
    Server("c", ["gcc", "libc6-dev"], build=["cc", "-O2", "-o", "server", "server.c"]),
    Server("fcgiwrap", ["fcgiwrap"], script="app.sh",
           known_loss="the signal interrupts its wait for the script, which it answers with 502; the script is left behind"),
    Server("shell", ["perl"]),
    Server("einhorn", ["python3"]),
]
