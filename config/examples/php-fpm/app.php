<?php
header("Content-Type: text/plain");
echo "hello from php-fpm, generation ", getenv("SUP_GENERATION"), "\n";
