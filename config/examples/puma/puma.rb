workers 2
threads 4, 4
# With it a connection whose request has not arrived yet is closed when puma drains, and so are idle ones.
queue_requests false
