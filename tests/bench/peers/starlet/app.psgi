use strict;
use warnings;

my $plain = "@BODY@\n";

sub {
    my $env = shift;
    my $body = $plain;
    if ($env->{REQUEST_METHOD} eq 'POST') {
        $body = '';
        $env->{'psgi.input'}->read($body, $env->{CONTENT_LENGTH});
    } elsif ($env->{PATH_INFO} eq '/pid') {
        $body = "hello world from pid:$$\n";
    }
    return [200, ['Content-Type' => 'text/plain', 'Content-Length' => length $body], [$body]];
};
