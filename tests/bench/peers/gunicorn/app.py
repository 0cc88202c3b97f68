import os

PLAIN = b"@BODY@\n"
WHO = b"hello world from pid:%d\n" % os.getpid()


def app(environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        body = environ["wsgi.input"].read()
    else:
        body = WHO if environ["PATH_INFO"] == "/pid" else PLAIN
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
