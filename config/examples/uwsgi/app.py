import os


def app(environ, start_response):
    body = f"hello from uwsgi, generation {os.environ['SUP_GENERATION']}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
