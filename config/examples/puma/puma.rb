workers 2
threads 4, 4
# With it a connection whose request has not come yet is closed when puma drains, and idle ones with it.
queue_requests false
