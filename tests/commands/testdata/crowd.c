/* Processes for ps and tree to look at:
     crowd random N SEED     N processes in random states, some with threads that
                             differ, some in namespaces of their own
     crowd chain N           N processes, each the child of the one before
     crowd siblings N        N children of one process
     crowd idle N            N processes whose first thread holds nothing and is
                             user 1000, and whose other two are as root
   It prints "ready" and ends, with all of them, when its stdin does. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t state;
static int ready[2];

static uint64_t rnd(void)
{
	state += 0x9e3779b97f4a7c15;
	uint64_t z = state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	kill(0, SIGKILL); /* the test gave it a group of its own */
}

static uint64_t get(struct __user_cap_data_struct d[2])
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	must(syscall(SYS_capget, &h, d) == 0, "capget");
	return d[0].permitted | (uint64_t)d[1].permitted << 32;
}

static void set(uint64_t e, uint64_t p, uint64_t i)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = {
		{ e, p, i }, { e >> 32, p >> 32, i >> 32 },
	};
	must(syscall(SYS_capset, &h, d) == 0, "capset");
}

/* narrow gives the calling thread random sets below what it has. */
static void narrow(void)
{
	struct __user_cap_data_struct d[2];
	uint64_t p = get(d), full = p;
	switch (rnd() % 5) {
	case 0: p = 0; break;
	case 1: break;
	case 2: p &= 1ull << (rnd() % 41) | 1ull << (rnd() % 41); break;
	default: p &= rnd() & rnd(); break;
	}
	uint64_t e = rnd() % 3 ? p : p & rnd();
	/* Only what is in the bounding set can become inheritable. */
	uint64_t bounding = 0;
	for (int c = 0; c < 41; c++)
		bounding |= (uint64_t)(prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1) << c;
	uint64_t i = rnd() % 3 ? 0 : full & bounding & rnd() & rnd();
	set(e, p, i);
	if (rnd() % 2)
		for (int c = 0; c < 41; c++)
			if ((p & i) >> c & 1)
				prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0);
	if (rnd() % 4 == 0)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void *thread(void *arg)
{
	pthread_barrier_t *b = arg;
	narrow();
	pthread_barrier_wait(b);
	while (pause())
		;
	return NULL;
}

static const char *const names[] = {
	"plain", "a b", "(x)", ") R 1 (", "new\nline", "esc\033[31m", "back\\n", "\xff\xfe", "\xe2\x80\xae" "txt", "",
	"/slash/", "Uid:\t0", "tab\t",
};

static void settle(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(write(ready[1], "x", 1) == 1, "write");
	for (;;)
		pause();
}

static void random_process(int nr)
{
	if (nr % 12 == 1)
		must(unshare(CLONE_NEWUSER) == 0, "unshare user");
	else if (nr % 12 == 2)
		must(unshare(CLONE_NEWNS) == 0, "unshare mnt");
	if (rnd() % 2) {
		uint64_t drop = rnd() & rnd();
		for (int c = 0; c < 41; c++)
			if (drop >> c & 1)
				prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	}
	if (nr % 3 == 0) {
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
		gid_t groups[] = { 7, 1234567, 4294967294u };
		must(setgroups(rnd() % 4, groups) == 0, "setgroups");
		uid_t r = 1000 + rnd() % 3, e = 1000 + rnd() % 3;
		must(setresgid(1000, 1001, 1002) == 0 && setresuid(r, e, 4294967294u) == 0, "setresuid");
		struct __user_cap_data_struct d[2];
		uint64_t p = get(d);
		set(p, p, 0);
	}
	prctl(PR_SET_NAME, names[nr % (sizeof names / sizeof *names)]);
	if (nr % 8 == 3) {
		static pthread_barrier_t b;
		pthread_barrier_init(&b, NULL, 4);
		for (int k = 0; k < 3; k++) {
			pthread_t t;
			must(pthread_create(&t, NULL, thread, &b) == 0, "thread");
		}
		pthread_barrier_wait(&b);
	}
	narrow();
	prctl(PR_SET_DUMPABLE, 1);
	settle();
}

static int sleeper(void *arg)
{
	(void)arg;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (pause())
		;
	return 0;
}

static void *as_root(void *arg)
{
	(void)arg;
	while (pause())
		;
	return NULL;
}

static void idle_process(void)
{
	for (int k = 0; k < 2; k++) {
		pthread_t t;
		must(pthread_create(&t, NULL, as_root, NULL) == 0, "thread");
	}
	/* The library's would do it for all threads. */
	must(syscall(SYS_setresuid, 1000, 1000, 1000) == 0, "setresuid");
	prctl(PR_SET_DUMPABLE, 1);
	settle();
}

/* siblings share memory: 10,000 copies would take a second and a gigabyte. */
static void siblings(int n)
{
	enum { stack = 8192 };
	char *at = mmap(NULL, (size_t)n * stack, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(at != MAP_FAILED, "mmap");
	for (int k = 0; k < n; k++)
		must(clone(sleeper, at + (size_t)(k + 1) * stack, CLONE_VM | SIGCHLD, NULL) > 0, "clone");
}

static void chain(int n)
{
	for (; n > 1; n--) {
		pid_t pid = fork();
		must(pid >= 0, "fork");
		if (pid > 0)
			break;
	}
	settle();
}

int main(int argc, char **argv)
{
	must(argc >= 3 && pipe(ready) == 0, "usage");
	int n = atoi(argv[2]), wait_for = n;
	if (strcmp(argv[1], "random") == 0) {
		for (int nr = 0; nr < n; nr++) {
			state = strtoull(argv[3], NULL, 10) * 1000003 + nr;
			pid_t pid = fork();
			must(pid >= 0, "fork");
			if (pid == 0)
				random_process(nr);
		}
	} else if (strcmp(argv[1], "idle") == 0) {
		for (int nr = 0; nr < n; nr++) {
			pid_t pid = fork();
			must(pid >= 0, "fork");
			if (pid == 0)
				idle_process();
		}
	} else if (strcmp(argv[1], "chain") == 0) {
		pid_t pid = fork();
		must(pid >= 0, "fork");
		if (pid == 0)
			chain(n);
	} else {
		siblings(n);
		wait_for = 0;
	}
	char c;
	close(ready[1]);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int k = 0; k < wait_for; k++)
		must(read(ready[0], &c, 1) == 1, "a process failed");
	puts("ready");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	/* Each has its parent's death as its own. */
	return 0;
}
