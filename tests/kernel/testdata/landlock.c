/* The judge of capset's Landlock options: a small program of its own.
 *
 *   landlock rules FS NET SCOPE [KIND MASK OBJECT]... -- COMMAND ARGUMENT...
 *     restricts itself and runs the command; KIND is path or port, masks are the
 *     kernel's numbers.
 *   landlock probe PORT OTHERPORT PID
 *     tries, in the working directory, what Landlock can deny, and prints an errno each.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define fail(what) do { perror(what); exit(99); } while (0)

static int rules(char **args)
{
	struct { uint64_t fs, net, scope; } handled = {0};
	int set, kept = 3;
	handled.fs = strtoull(args[0], 0, 0);
	handled.net = strtoull(args[1], 0, 0);
	handled.scope = strtoull(args[2], 0, 0);
	set = syscall(444, &handled, sizeof handled, 0);
	if (set < 0)
		fail("create_ruleset");
	for (; strcmp(args[kept], "--"); kept += 3) {
		uint64_t mask = strtoull(args[kept + 1], 0, 0);
		struct { uint64_t mask; int32_t fd; } __attribute__((packed)) path = {mask, -1};
		struct { uint64_t mask, port; } port = {mask, strtoull(args[kept + 2], 0, 0)};
		int is_path = !strcmp(args[kept], "path");
		if (is_path && (path.fd = open(args[kept + 2], O_PATH | O_CLOEXEC)) < 0)
			fail(args[kept + 2]);
		if (syscall(445, set, is_path ? 1 : 2, is_path ? (void *)&path : (void *)&port, 0))
			fail("add_rule");
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(446, set, 0))
		fail("restrict_self");
	close(set);
	execv(args[kept + 1], args + kept + 1);
	printf("execve %d\n", errno);
	return 0;
}

static void say(const char *what, long result) { printf("%s %d\n", what, result < 0 ? errno : 0); }

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);
	if (fd >= 0)
		close(fd);
	return fd;
}

static void files(const char *dir)
{
	char name[64];
#define in(what) (snprintf(name, sizeof name, "%s/%s", dir, what), name)
	printf("%s:\n", dir);
	say("read-file", try_open(in("file"), O_RDONLY));
	say("write-file", try_open(in("file"), O_WRONLY));
	say("truncate", truncate(in("file"), 1));
	say("open-truncate", try_open(in("file"), O_WRONLY | O_TRUNC));
	say("read-dir", try_open(dir, O_RDONLY | O_DIRECTORY));
	say("make-reg", try_open(in("new"), O_WRONLY | O_CREAT | O_EXCL));
	say("make-dir", mkdir(in("newdir"), 0700));
	say("make-sym", symlink("x", in("newlink")));
	say("make-fifo", mknod(in("newfifo"), S_IFIFO | 0600, 0));
	say("make-sock", mknod(in("newsock"), S_IFSOCK | 0600, 0));
	say("make-char", mknod(in("newchar"), S_IFCHR | 0600, 0)); /* a whiteout needs no capability */
	say("remove-file", unlink(in("gone")));
	say("remove-dir", rmdir(in("gonedir")));
	say("link", link(in("file"), in("newhard")));
	say("refer", rename(in("moves"), "a/b/moved"));
	if (fork() == 0) {
		execl(in("true"), "true", NULL);
		printf("execute %d\n", errno);
		fflush(stdout);
		_exit(0);
	}
	fflush(stdout);
	wait(NULL);
}

static void sockets(const char *what, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
	const int kinds[] = {SOCK_STREAM, SOCK_DGRAM};
	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_INET, kinds[i], 0), one = 1;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		printf("%s %s ", what, i ? "udp" : "tcp");
		say("bind", bind(fd, (void *)&a, sizeof a));
		close(fd);
		fd = socket(AF_INET, kinds[i], 0);
		printf("%s %s ", what, i ? "udp" : "tcp");
		say("connect", connect(fd, (void *)&a, sizeof a)); /* ECONNREFUSED where it may */
		close(fd);
	}
}

static void abstract(int pid)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int n = snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "landlock-%d", pid);
	say("abstract", connect(fd, (void *)&a, offsetof(struct sockaddr_un, sun_path) + 1 + n));
	say("signal", kill(pid, 0));
}

int main(int argc, char **argv)
{
	if (argc > 5 && !strcmp(argv[1], "rules"))
		return rules(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "probe")) {
		setvbuf(stdout, NULL, _IOLBF, 0);
		files("a");
		files("a/b");
		files("c");
		sockets("one", atoi(argv[2]));
		sockets("other", atoi(argv[3]));
		abstract(atoi(argv[4]));
		return 0;
	}
	return argc > 0 && strstr(argv[0], "true") ? 0 : 98;
}
