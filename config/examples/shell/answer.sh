#!/bin/sh
# The request's head, up to its empty line, and then the answer.
while IFS= read -r line && [ "${#line}" -gt 1 ]; do :; done
body="hello from the shell, generation $SUP_GENERATION"
printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n' "$((${#body} + 1))" "$body"
