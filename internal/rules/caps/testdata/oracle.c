/*
 * The judge of the text forms: the installed libcap, asked line by line.
 *
 *   oracle BITS       act as on a kernel with BITS capabilities (0: a kernel
 *                     that does not show them)
 *
 * First it answers with cap_max_bits() in decimal. Then each line asks:
 *
 *   T HEX             cap_from_text       -> ok E P I TEXT-IN-HEX | bad
 *   I HEX             cap_iab_from_text   -> ok I A NB TEXT-IN-HEX | bad
 *   N HEX             cap_from_name       -> ok NUMBER | bad
 *   E E P I           cap_to_text         -> TEXT-IN-HEX
 *   U HEX             strtoull, base 0    -> VALUE BYTES-READ | range
 *   M HEX             strtoull, base 16   -> the same
 *
 * HEX are the bytes of a text after one "." (so that it is never empty);
 * sets are hex numbers. libcap hides what an IAB has from bit
 * cap_max_bits() on: ask with BITS 64 to see it all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_BITS 64
#define LONGEST_LINE (1 << 22)

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* From now on PR_CAPBSET_READ knows the capabilities below bits, no others. */
static void emulate_kernel(unsigned bits)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_CAPBSET_READ, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, bits, 2, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
	};
	struct sock_fprog prog = { sizeof code / sizeof code[0], code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("no_new_privs");
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		die("seccomp");
}

static int nibble(char digit)
{
	return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

/* Turns hex digits into the bytes they stand for, in place. */
static char *unhex(char *hex)
{
	char *out = hex;

	for (char *in = hex; in[0] && in[1]; in += 2)	/* the line's end is one byte */
		*out++ = nibble(in[0]) << 4 | nibble(in[1]);
	*out = '\0';
	return hex;
}

static void put_hex(char *text)
{
	if (text == NULL)
		die("printing");
	putchar('.');
	for (const char *p = text; *p; p++)
		printf("%02x", (unsigned char)*p);
	cap_free(text);
}

static unsigned long long flags_of(cap_t caps, cap_flag_t flag)
{
	unsigned long long set = 0;

	for (int c = 0; c < MAX_BITS; c++) {
		cap_flag_value_t on;
		if (cap_get_flag(caps, c, flag, &on))
			die("cap_get_flag");
		set |= (unsigned long long)on << c;
	}
	return set;
}

static unsigned long long vector_of(cap_iab_t iab, cap_iab_vector_t vec)
{
	unsigned long long set = 0;

	for (int c = 0; c < MAX_BITS; c++)
		set |= (unsigned long long)cap_iab_get_vector(iab, vec, c) << c;
	return set;
}

static void answer_text(const char *text)
{
	cap_t caps = cap_from_text(text);

	if (caps == NULL) {
		printf("bad");
		return;
	}
	printf("ok %llx %llx %llx ", flags_of(caps, CAP_EFFECTIVE),
	       flags_of(caps, CAP_PERMITTED), flags_of(caps, CAP_INHERITABLE));
	put_hex(cap_to_text(caps, NULL));
	cap_free(caps);
}

static void answer_iab(const char *text)
{
	cap_iab_t iab = cap_iab_from_text(text);

	if (iab == NULL) {
		printf("bad");
		return;
	}
	printf("ok %llx %llx %llx ", vector_of(iab, CAP_IAB_INH),
	       vector_of(iab, CAP_IAB_AMB), vector_of(iab, CAP_IAB_BOUND));
	put_hex(cap_iab_to_text(iab));
	cap_free(iab);
}

static void answer_name(const char *text)
{
	cap_value_t c;

	if (cap_from_name(text, &c))
		printf("bad");
	else
		printf("ok %d", c);
}

static void answer_print(const char *sets)
{
	unsigned long long set[3];
	const cap_flag_t flag[3] = { CAP_EFFECTIVE, CAP_PERMITTED, CAP_INHERITABLE };
	cap_t caps = cap_init();

	if (sscanf(sets, "%llx %llx %llx", &set[0], &set[1], &set[2]) != 3)
		die("three sets");
	for (int f = 0; f < 3; f++)
		for (cap_value_t c = 0; c < MAX_BITS; c++)
			if (set[f] >> c & 1 && cap_set_flag(caps, flag[f], 1, &c, CAP_SET))
				die("cap_set_flag");
	put_hex(cap_to_text(caps, NULL));
	cap_free(caps);
}

static void answer_number(const char *text, int base)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, base);
	if (errno == ERANGE)
		printf("range");
	else
		printf("%llx %zu", value, (size_t)(end - text));
}

int main(int argc, char **argv)
{
	static char line[LONGEST_LINE];

	if (argc == 2) {	/* again, so that libcap meets the filter as it starts */
		emulate_kernel(atoi(argv[1]));
		execl("/proc/self/exe", argv[0], argv[1], "filtered", NULL);
		die("exec");
	}
	printf("%d\n", cap_max_bits());
	while (fflush(stdout) == 0 && fgets(line, sizeof line, stdin)) {
		switch (line[0]) {
		case 'T': answer_text(unhex(line + 3)); break;
		case 'I': answer_iab(unhex(line + 3)); break;
		case 'N': answer_name(unhex(line + 3)); break;
		case 'E': answer_print(line + 2); break;
		case 'U': answer_number(unhex(line + 3), 0); break;
		case 'M': answer_number(unhex(line + 3), 16); break;
		default: die("kind");
		}
		putchar('\n');
	}
	return 0;
}
