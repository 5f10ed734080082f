/* target: what a launcher starts here, as little as a program can be. */
#if defined __x86_64__
void _start(void)
{
	__asm__ volatile("syscall" : : "a"(60), "D"(0)); /* exit(0) */
}
#elif defined __aarch64__
void _start(void)
{
	__asm__ volatile("mov x8, #93\n\tmov x0, #0\n\tsvc #0"); /* exit(0) */
}
#else
#error "no exit for this architecture; the bench takes a Go program"
#endif
