/* exec FILE [ARG ...]: execve(2) of FILE and nothing else. The execvp(3) of other
 * programs has a shell run what the kernel does not. */
#include <stdio.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	if (argc < 2)
		return 125;
	execve(argv[1], argv + 1, environ);
	perror(argv[1]);
	return 126;
}
