/* A server under socket activation without libsystemd: what sd_listen_fds(3) and sd_notify(3) do, written out. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { first_descriptor = 3 };

/* How many sockets were passed to this very process; they are first_descriptor and those that follow. */
static int listen_fds(void) {
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    if (pid == NULL || count == NULL || atol(pid) != (long)getpid()) return 0;
    for (int fd = first_descriptor; fd < first_descriptor + atoi(count); ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
    return atoi(count);
}

static void notify(const char *message) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || strlen(path) >= sizeof address.sun_path) return;
    memcpy(address.sun_path, path, strlen(path));
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@') address.sun_path[0] = '\0'; /* an abstract name */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    sendto(fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
    close(fd);
}

static void answer(int connection) {
    const struct timeval limit = {.tv_sec = 5};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char request[8192];
    size_t used = 0;
    while (used + 1 < sizeof request) {
        ssize_t size = recv(connection, request + used, sizeof request - 1 - used, 0);
        if (size <= 0) return;
        used += (size_t)size;
        request[used] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL) break;
    }
    char body[100];
    char text[300];
    snprintf(body, sizeof body, "hello from c, generation %s\n", getenv("SUP_GENERATION"));
    int length = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                          strlen(body), body);
    send(connection, text, (size_t)length, MSG_NOSIGNAL);
}

static volatile sig_atomic_t draining;
static void drain(int signal_number) {
    (void)signal_number;
    draining = 1;
}

int main(void) {
    if (listen_fds() < 1) {
        fputs("no socket was passed: LISTEN_FDS is not set for this process\n", stderr);
        return 1;
    }
    /* The signal is blocked but while ppoll() waits, so that it never comes between the check and the wait. */
    sigset_t blocked, waiting;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &waiting);
    const struct sigaction action = {.sa_handler = drain};
    sigaction(SIGTERM, &action, NULL);
    /* Peers accept from the same socket, and who is slower must not hang. */
    fcntl(first_descriptor, F_SETFL, fcntl(first_descriptor, F_GETFL) | O_NONBLOCK);
    notify("READY=1");
    while (!draining) {
        struct pollfd listener = {.fd = first_descriptor, .events = POLLIN};
        if (ppoll(&listener, 1, NULL, &waiting) < 0) continue;
        int connection = accept4(first_descriptor, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0) continue;
        answer(connection);
        close(connection);
    }
    return 0;
}
