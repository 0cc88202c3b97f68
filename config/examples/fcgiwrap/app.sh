#!/bin/sh
printf 'Content-Type: text/plain\n\nhello from the shell, generation %s\n' "$SUP_GENERATION"
