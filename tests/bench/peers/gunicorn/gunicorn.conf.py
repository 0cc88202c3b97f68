# gunicorn with the worker class of its own that keeps connections alive. @NAME@ is filled in by the benchmark.
bind = "127.0.0.1:@PORT@"
workers = @WORKERS@
worker_class = "gthread"
threads = 8
keepalive = 3600
worker_connections = @CONNECTIONS@
backlog = 4096
worker_tmp_dir = "/dev/shm"
loglevel = "error"
