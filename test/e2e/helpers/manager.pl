#!/usr/bin/perl
# helpers/manager.pl -- a service manager in miniature, for what Node cannot do itself
#
#   manager.pl notify PATH|@NAME      binds a datagram socket there; prints each message as a line,
#                                     the ends of its own lines as "|"
#   manager.pl run …                  opens the sockets that ACTIVATE names ("127.0.0.1:80,/path"),
#                                     puts them at descriptor 3 and up, and becomes ACTIVATE_RUN …
use strict;
use warnings;
use POSIX ();
use Socket;

if ($ARGV[0] eq 'notify') {
    my $name = $ARGV[1];
    $name =~ s/^@/\0/;
    socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
    bind($s, $name =~ /^\0/ ? pack('Sa*', AF_UNIX, $name) : pack_sockaddr_un($name)) or die "bind: $!";
    $| = 1;
    print "bound\n";
    while (defined recv($s, my $text, 4096, 0)) {
        $text =~ s/\n/|/g;
        print "$text\n";
    }
    exit 0;
}

$^F = 1023;    # what is opened here stays open
my $n = 0;
for my $at (split /,/, $ENV{ACTIVATE}) {
    my $is_path = $at =~ m{^/};
    socket(my $s, $is_path ? AF_UNIX : AF_INET, SOCK_STREAM, 0) or die "socket: $!";
    setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
    my ($ip, $port) = split /:/, $at;
    bind($s, $is_path ? pack_sockaddr_un($at) : pack_sockaddr_in($port, inet_aton($ip))) or die "bind $at: $!";
    listen($s, 128) or die "listen: $!";
    my $fd = 3 + $n++;
    POSIX::dup2(fileno($s), $fd) if fileno($s) != $fd;
    our @kept;
    push @kept, $s;
}
$ENV{LISTEN_PID} = $$;
$ENV{LISTEN_FDS} = $n;
$ENV{LISTEN_FDNAMES} = join ':', map { "test$_.socket" } 1 .. $n;
exec $ENV{ACTIVATE_RUN}, @ARGV or die "exec: $!";
