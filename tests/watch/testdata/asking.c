/* asking CHILDREN TIMES starts children, one after the other, each of which makes the
   kernel check CAP_SETPCAP the given number of times. */
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	for (int child = atoi(argv[1]); child > 0; child--) {
		if (fork() == 0) {
			for (int i = atoi(argv[2]); i > 0; i--)
				prctl(PR_CAPBSET_DROP, 64, 0, 0, 0);
			_exit(0);
		}
		wait(NULL);
	}
}
