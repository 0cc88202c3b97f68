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
    # A loss that is the server's own doing, in a sentence; the suite then fails only when there is none any more to explain.
    known_loss: str = ""


SERVERS = [
    Server("gunicorn", ["gunicorn"], quick=True),
    Server("uvicorn", ["uvicorn"]),
    Server("hypercorn", ["python3-hypercorn"]),
    Server("node", ["nodejs"], keepalive=True),
    Server("go", ["golang-go"], build=["go", "build", "-o", "server", "main.go"]),
    Server("puma", ["puma", "ruby-sd-notify"]),
    Server("unicorn", ["unicorn"]),
    Server("starlet", ["starlet", "libplack-perl", "libserver-starter-perl"], quick=True),
    Server("starman", ["starman", "libnet-server-ss-prefork-perl"]),
    Server("nginx", ["nginx"], quick=True),
    Server("haproxy", ["haproxy"], quick=True),
    Server("php-fpm", ["php-fpm"], script="app.php"),
    Server("uwsgi", ["uwsgi-core", "uwsgi-plugin-python3"]),
    Server("c", ["gcc", "libc6-dev"], build=["cc", "-O2", "-o", "server", "server.c"]),
    Server("fcgiwrap", ["fcgiwrap"], script="app.sh"),
    Server("einhorn", ["python3"]),
]
