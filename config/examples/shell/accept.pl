#!/usr/bin/perl
# Accepts from the socket that is its standard input, and starts the command for each connection, which is then its standard
# input and output: what socat does with EXEC and fork. At SIGTERM it stops accepting, and leaves when they all have.
use strict;
use warnings;
use Fcntl;
use IO::Handle;
use POSIX;

-x $ARGV[0] or die "$ARGV[0]: $!\n";    # before it says that it is serving

$SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0 };

# The signal is a byte in a pipe, so that it is never missed just before select() sleeps.
pipe(my $told, my $tell) or die "pipe: $!";
$tell->autoflush(1);
POSIX::sigaction(SIGTERM, POSIX::SigAction->new(sub { syswrite $tell, "x" }));

fcntl(STDIN, F_SETFL, fcntl(STDIN, F_GETFL, 0) | O_NONBLOCK);    # peers accept from it, too

# Descriptor 3: a newline says that it serves.
open(my $ready, '>&=', 3) or die "descriptor 3: $!";
print {$ready} "\n";
close($ready);

my ($listener, $signal) = (fileno(STDIN), fileno($told));
while (1) {
    vec(my $readable = '', $listener, 1) = 1;
    vec($readable, $signal, 1) = 1;
    next if select($readable, undef, undef, undef) < 0;
    last if vec($readable, $signal, 1);
    accept(my $connection, STDIN) or next;
    my $pid = fork() // die "fork: $!";
    if ($pid == 0) {
        POSIX::dup2(fileno($connection), $_) for 0, 1;
        exec @ARGV or die "$ARGV[0]: $!";
    }
}
1 while wait() >= 0 || $!{EINTR};
