/* reader [-t]: opens and reads the status file of every process, or of every
   thread, on one thread, and does nothing with it: what any listing must cost. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void status(const char *dir)
{
	char path[300], text[8192];
	snprintf(path, sizeof path, "%s/status", dir);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return;
	if (read(fd, text, sizeof text) < 0) { /* it has ended */ }
	close(fd);
}

static void each(const char *dir, int threads)
{
	DIR *d = opendir(dir);
	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		char path[280];
		snprintf(path, sizeof path, threads ? "%s/%.20s/task" : "%s/%.20s", dir, e->d_name);
		if (threads)
			each(path, 0);
		else
			status(path);
	}
	closedir(d);
}

int main(int argc, char **argv)
{
	(void)argv;
	each("/proc", argc > 1);
}
