workers 2
threads 4, 4
raise_exception_on_sigterm false
