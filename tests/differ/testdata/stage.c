/*
 * stage sets up a start state and execs a program in it; run as the shell of
 * what was started, it tells the state that arrived there.
 *
 *	stage run OP... -- PATH ARGV0 [ARG...]
 *	stage dump | exit N | signal N | echo ARG...
 *
 * It is C, and not Go, because a Go program has other signal dispositions,
 * another blocked set, another RLIMIT_NOFILE and other descriptors 0-2 than it
 * was given. It uses neither program that is judged, and no libcap.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define STAGE_FAILED 99

static void die(const char *what)
{
	dprintf(2, "stage: %s: %s\n", what, strerror(errno));
	_exit(STAGE_FAILED);
}

#define must(call) do { if ((call) < 0) die(#call); } while (0)

/* --- setting up ------------------------------------------------------- */

static void set_caps(const char *text)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	unsigned long long e, p, i;

	if (sscanf(text, "%llx,%llx,%llx", &e, &p, &i) != 3)
		die("caps=E,P,I");
	for (int w = 0; w < 2; w++) {
		data[w].effective = e >> (32 * w);
		data[w].permitted = p >> (32 * w);
		data[w].inheritable = i >> (32 * w);
	}
	must(syscall(SYS_capset, &head, data));
}

static void set_bounding(unsigned long long keep)
{
	for (int c = 0; c < 64 && prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (!(keep >> c & 1))
			must(prctl(PR_CAPBSET_DROP, c, 0, 0, 0));
}

static void set_ambient(unsigned long long set)
{
	for (int c = 0; c < 64; c++)
		if (set >> c & 1)
			must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0));
}

static void set_groups(const char *text)
{
	static gid_t list[65536];
	int n = 0;
	char *end;

	if (*text == 'x') {	/* xN: the groups 10000 to 10000+N-1 */
		for (n = 0; n < atoi(text + 1); n++)
			list[n] = 10000 + n;
	} else {
		for (; *text; text = *end ? end + 1 : end)
			list[n++] = strtoul(text, &end, 10);
	}
	must(setgroups(n, list));
}

static void each_signal(const char *text, void (*act)(int, void *), void *arg)
{
	char *end;

	for (; *text; text = *end ? end + 1 : end)
		act(strtol(text, &end, 10), arg);
}

static void ignore(int sig, void *unused)
{
	(void)unused;
	signal(sig, SIG_IGN);
}

static void add(int sig, void *set) { sigaddset(set, sig); }

static void block(const char *text)
{
	sigset_t set;

	sigemptyset(&set);
	each_signal(text, add, &set);
	must(sigprocmask(SIG_SETMASK, &set, NULL));
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static void map_ids(pid_t pid, const char *file, unsigned from, int count)
{
	char path[64], text[64];

	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	snprintf(text, sizeof text, "0 %u %d\n", count == 1 ? from : 0, count);
	write_file(path, text);
}

/*
 * A user namespace that maps the ids 0 to count-1 to themselves, or with a count
 * of 1 this user to 0 as unshare -r does. A child that stays outside writes the
 * maps: more than one id cannot be mapped from inside.
 */
static void user_namespace(int count)
{
	char path[64], unused;
	int ready[2], status;
	pid_t self = getpid(), child;

	must(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));	/* or /proc/PID is root's */
	must(pipe(ready));
	must(child = fork());
	if (child == 0) {
		close(ready[1]);
		if (read(ready[0], &unused, 1) < 0)
			die("read");
		if (count == 1) {
			snprintf(path, sizeof path, "/proc/%d/setgroups", self);
			write_file(path, "deny");
		}
		map_ids(self, "uid_map", geteuid(), count);
		map_ids(self, "gid_map", getegid(), count);
		_exit(0);
	}
	must(unshare(CLONE_NEWUSER));
	close(ready[0]);
	close(ready[1]);
	must(waitpid(child, &status, 0));
	if (status != 0)
		die("map");
}

#define ARG(n) (offsetof(struct seccomp_data, args[n]))
#define LOAD(off) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (off))
#define IF(op, k, t, f) BPF_JUMP(BPF_JMP | op | BPF_K, (k), (t), (f))
#define RET(k) BPF_STMT(BPF_RET | BPF_K, (k))
#define FAIL(e) RET(SECCOMP_RET_ERRNO | (e))

static void install(struct sock_filter *filter, unsigned short len)
{
	struct sock_fprog prog = {len, filter};

	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0));
}

/*
 * A kernel that has n capabilities, as prctl tells it: from n on EINVAL, below
 * n but above what this kernel has, 0. With n = 0 there is no ambient set.
 */
static void kernel_with(unsigned n, unsigned real)
{
	struct sock_filter filter[] = {
		LOAD(offsetof(struct seccomp_data, nr)),
		IF(BPF_JEQ, SYS_prctl, 1, 0),
		RET(SECCOMP_RET_ALLOW),
		LOAD(ARG(0)),
		IF(BPF_JEQ, PR_CAPBSET_READ, 5, 0),
		IF(BPF_JEQ, PR_CAPBSET_DROP, 4, 0),
		IF(BPF_JEQ, PR_CAP_AMBIENT, 1, 0),
		RET(SECCOMP_RET_ALLOW),
		/* ambient: the capability is the third argument */
		LOAD(ARG(2)),
		BPF_STMT(BPF_JMP | BPF_JA, 1),
		LOAD(ARG(1)),
		IF(BPF_JGE, n, 2, 0),
		IF(BPF_JGE, real, 2, 0),
		RET(SECCOMP_RET_ALLOW),
		FAIL(EINVAL),
		FAIL(0),
	};

	install(filter, sizeof filter / sizeof *filter);
}

/*
 * No process can be forked, threads can; a kill of all processes is the
 * sender's death, so that a bug here harms nobody.
 */
static void no_fork(void)
{
	struct sock_filter filter[] = {
		LOAD(offsetof(struct seccomp_data, nr)),
		IF(BPF_JEQ, SYS_clone, 4, 0),
		IF(BPF_JEQ, SYS_clone3, 9, 0),
#ifdef SYS_fork
		IF(BPF_JEQ, SYS_fork, 7, 0),
		IF(BPF_JEQ, SYS_vfork, 6, 0),
#else
		IF(BPF_JEQ, ~0U, 7, 0),
		IF(BPF_JEQ, ~0U, 6, 0),
#endif
		IF(BPF_JEQ, SYS_kill, 2, 4),
		LOAD(ARG(0)),
		IF(BPF_JSET, CLONE_THREAD, 2, 3),
		LOAD(ARG(0)),
		IF(BPF_JEQ, 0xffffffff, 3, 0),
		RET(SECCOMP_RET_ALLOW),
		FAIL(EAGAIN),
		FAIL(ENOSYS),
		RET(SECCOMP_RET_KILL_PROCESS),
	};

	install(filter, sizeof filter / sizeof *filter);
}

static void set_limit(const char *text)
{
	struct rlimit r;
	unsigned long soft, hard;

	if (sscanf(text, "%lu,%lu", &soft, &hard) != 2)
		die("nofile=SOFT,HARD");
	r.rlim_cur = soft;
	r.rlim_max = hard;
	must(setrlimit(RLIMIT_NOFILE, &r));
}

static void open_at(int fd)
{
	int got = open("/dev/zero", O_RDONLY);

	must(got);
	if (got != fd) {
		must(dup2(got, fd));
		close(got);
	}
}

static void set_uids(const char *text)
{
	unsigned r, e, s;

	if (sscanf(text, "%u,%u,%u", &r, &e, &s) != 3)
		die("uid=REAL,EFFECTIVE,SAVED");
	must(setresuid(r, e, s));
}

static void operate(const char *op)
{
	const char *value = strchr(op, '=');
	size_t len = value ? (size_t)(value - op) : strlen(op);
	#define IS(name) (len == sizeof name - 1 && !memcmp(op, name, len))

	value = value ? value + 1 : "";
	if (IS("bound"))
		set_bounding(strtoull(value, NULL, 16));
	else if (IS("caps"))
		set_caps(value);
	else if (IS("amb"))
		set_ambient(strtoull(value, NULL, 16));
	else if (IS("secbits"))
		must(prctl(PR_SET_SECUREBITS, strtoul(value, NULL, 0), 0, 0, 0));
	else if (IS("keep"))
		must(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	else if (IS("nnp"))
		must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	else if (IS("groups"))
		set_groups(value);
	else if (IS("gid"))
		must(setresgid(atoi(value), atoi(value), atoi(value)));
	else if (IS("uid"))
		set_uids(value);
	else if (IS("userns"))
		user_namespace(atoi(value));
	else if (IS("kernel"))
		kernel_with(atoi(value), 41);
	else if (IS("nofork"))
		no_fork();
	else if (IS("ignore"))
		each_signal(value, ignore, NULL);
	else if (IS("block"))
		block(value);
	else if (IS("nofile"))
		set_limit(value);
	else if (IS("umask"))
		umask(strtoul(value, NULL, 8));
	else if (IS("close"))
		must(close(atoi(value)));
	else if (IS("open"))
		open_at(atoi(value));
	else {
		errno = EINVAL;
		die(op);
	}
}

static int run(char **argv)
{
	for (; *argv && strcmp(*argv, "--"); argv++)
		operate(*argv);
	if (!*argv || !argv[1] || !argv[2]) {
		errno = EINVAL;
		die("run OP... -- PATH ARGV0");
	}
	execve(argv[1], argv + 2, environ);
	die(argv[1]);
	return STAGE_FAILED;
}

/* --- telling ---------------------------------------------------------- */

/* What /proc shows beside what the calls below do; there may be no /proc. */
static void dump_status(void)
{
	static const char *want[] = {
		"Umask:", "Uid:", "Gid:", "Groups:", "SigBlk:", "SigIgn:", "Cap",
		"NoNewPrivs:", "Seccomp:",
	};
	char line[1 << 12];
	FILE *f = fopen("/proc/self/status", "r");

	if (!f) {
		puts("no /proc");
		return;
	}
	while (fgets(line, sizeof line, f))
		for (size_t i = 0; i < sizeof want / sizeof *want; i++)
			if (!strncmp(line, want[i], strlen(want[i])))
				fputs(line, stdout);
	fclose(f);
}

static void dump_caps(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];
	int c, v;

	must(syscall(SYS_capget, &head, d));
	printf("caps: p=%08x%08x e=%08x%08x i=%08x%08x\n",
	       d[1].permitted, d[0].permitted, d[1].effective, d[0].effective,
	       d[1].inheritable, d[0].inheritable);
	printf("bounding:");
	for (c = 0; c < 64 && (v = prctl(PR_CAPBSET_READ, c, 0, 0, 0)) >= 0; c++)
		putchar('0' + v);
	printf("\nambient:");
	for (c = 0; c < 64 && (v = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET,
					 c, 0, 0)) >= 0; c++)
		putchar('0' + v);
	printf("\nsecurebits: 0x%x no_new_privs: %d\n",
	       prctl(PR_GET_SECUREBITS, 0, 0, 0, 0),
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static void dump_ids(void)
{
	static gid_t list[65536];
	uid_t r, e, s;
	int n;

	getresuid(&r, &e, &s);
	printf("uid: %u %u %u\n", r, e, s);
	getresgid(&r, &e, &s);
	printf("gid: %u %u %u\n", r, e, s);
	must(n = getgroups(65536, list));
	printf("groups:");
	for (int i = 0; i < n; i++)
		printf(" %u", list[i]);
	putchar('\n');
}

static void dump_signals(void)
{
	struct sigaction act;
	sigset_t set;

	must(sigprocmask(SIG_SETMASK, NULL, &set));
	printf("ignored:");
	for (int sig = 1; sig < NSIG; sig++)
		if (!sigaction(sig, NULL, &act) && act.sa_handler == SIG_IGN)
			printf(" %d", sig);
	printf("\nblocked:");
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&set, sig) == 1)
			printf(" %d", sig);
	putchar('\n');
}

static void dump_rest(char **argv)
{
	struct rlimit r;
	struct stat st;
	char dir[4096];

	printf("cwd: %s\n", getcwd(dir, sizeof dir) ? dir : strerror(errno));
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		must(getrlimit(i, &r));
		printf("limit %d: %llx %llx\n", i, (unsigned long long)r.rlim_cur,
		       (unsigned long long)r.rlim_max);
	}
	for (int fd = 0; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFL);
		if (flags < 0)
			continue;
		if (fd == 1) {	/* a terminal for one side, a pipe for the other */
			puts("fd 1");
			continue;
		}
		must(fstat(fd, &st));
		printf("fd %d: flags %x type %o device %llx\n", fd, flags,
		       st.st_mode & S_IFMT, (unsigned long long)st.st_rdev);
	}
	for (; *argv; argv++)
		printf("arg: %s\n", *argv);
	for (char **e = environ; *e; e++)
		printf("env: %s\n", *e);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (!strcmp(mode, "run"))
		return run(argv + 2);
	if (!strcmp(mode, "exit"))
		return atoi(argv[2]);
	if (!strcmp(mode, "signal")) {
		raise(atoi(argv[2]));
		return 98;
	}
	if (strcmp(mode, "dump")) {
		for (int i = 0; i < argc; i++)
			printf("arg: %s\n", argv[i]);
		return 0;
	}
	puts("--- dump");
	dump_status();
	dump_caps();
	dump_ids();
	dump_signals();
	dump_rest(argv);
	return 0;
}
