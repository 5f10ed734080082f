/* load PROCESSES THREADS EVERY: sleeping processes of so many threads each. One
   in EVERY keeps root's capabilities, the others are nobody's. They share memory,
   so that 20,000 cost little. Prints "ready", and ends with stdin. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { stack = 8192, nobody = 65534 };

static int threads, every;
static atomic_int ready;

static int nap(void *arg)
{
	(void)arg;
	ready++;
	while (pause())
		;
	return 0;
}

struct place { char *stacks; int nr; };

static int process(void *arg)
{
	struct place *p = arg;
	if (p->nr % every != 0 && (syscall(SYS_setgid, nobody) || syscall(SYS_setuid, nobody)))
		kill(0, SIGKILL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int k = 1; k < threads; k++)
		if (clone(nap, p->stacks + (k + 1) * stack, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS | CLONE_FILES, NULL) < 0)
			kill(0, SIGKILL);
	return nap(NULL);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	int n = atoi(argv[1]);
	threads = atoi(argv[2]);
	every = atoi(argv[3]);
	size_t each = (size_t)threads * stack;
	char *stacks = mmap(NULL, n * each, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct place *places = calloc(n, sizeof *places);
	if (stacks == MAP_FAILED || !places)
		return 1;
	for (int nr = 0; nr < n; nr++) {
		places[nr] = (struct place){ stacks + nr * each, nr };
		if (clone(process, places[nr].stacks + stack, CLONE_VM | SIGCHLD, &places[nr]) < 0) {
			perror("load: clone");
			kill(0, SIGKILL);
		}
	}
	while (ready < n * threads)
		usleep(1000);
	puts("ready");
	fflush(stdout);
	char c;
	while (read(0, &c, 1) > 0)
		;
	kill(0, SIGKILL);
}
