// A service manager of one service, as systemd is one for WatchdogSec: it starts a program, hears what it says on
// NOTIFY_SOCKET, and feeds the machine's watchdog with each sign of life. Without them, the machine restarts.
//
//   manager PROGRAM ARGUMENT…    ends the program when it is asked to end (SIGTERM), and says what it heard
#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what) {
    fprintf(stderr, "manager: %s: %s\n", what, strerror(errno));
    exit(1);
}

static volatile sig_atomic_t asked_to_end = 0;

static void handle_end(int signal) {
    (void)signal;
    asked_to_end = 1;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: manager PROGRAM ARGUMENT…\n");
        return 2;
    }
    signal(SIGTERM, handle_end);
    const char *path = "/run/notify";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    unlink(path);
    int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_fd < 0 || bind(socket_fd, (struct sockaddr *)&address, sizeof address)) fail(path);
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (!child) {
        setenv("NOTIFY_SOCKET", path, 1);
        setenv("WATCHDOG_USEC", "10000000", 1);
        execv(argv[1], argv + 1);
        fail(argv[1]);
    }
    int watchdog = -1, signs = 0, ready = 0;
    while (!asked_to_end && !waitpid(child, NULL, WNOHANG)) {
        struct pollfd wait = {socket_fd, POLLIN, 0};
        if (poll(&wait, 1, 500) <= 0) continue;
        char message[4096];
        ssize_t size = recv(socket_fd, message, sizeof message - 1, 0);
        if (size <= 0) continue;
        message[size] = 0;
        if (strstr(message, "READY=1")) {
            ready = 1;
            printf("manager: READY=1\n");
            int seconds = 60;
            watchdog = open("/dev/watchdog", O_WRONLY | O_CLOEXEC);
            if (watchdog < 0 || ioctl(watchdog, WDIOC_SETTIMEOUT, &seconds)) fail("/dev/watchdog");
        }
        if (strstr(message, "WATCHDOG=1")) {
            if (watchdog < 0 || write(watchdog, "\0", 1) != 1) fail("/dev/watchdog");
            if (!signs++) printf("manager: watchdog fed\n");
        }
        fflush(stdout);
    }
    kill(child, SIGTERM);
    int status = 0;
    waitpid(child, &status, 0);
    // The letter says that the end of feeding is meant.
    if (watchdog >= 0 && write(watchdog, "V", 1) != 1) fail("/dev/watchdog");
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    printf("manager: ready %d, watchdog fed %d times, ended with %d\n", ready, signs, code);
    fflush(stdout);
    return code;
}
