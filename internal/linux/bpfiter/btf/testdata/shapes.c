/* Structs as the kernel has them. The program prints where the compiler puts the
   members, its object file describes them in BTF. */
#include <stddef.h>
#include <stdio.h>

typedef unsigned int u32;
typedef struct { u32 val; } kuid_t;
enum colour { red, green };
struct inner { long a; volatile int b; const enum colour colour; };
struct outer {
	char c;
	union {
		int x;
		struct { short y; kuid_t z; };
	};
	struct inner in;
	const struct inner *p;
	char name[16];
	struct inner list[3][2];
	unsigned bits : 3;
	unsigned long long last;
	struct inner flexible[];
};

int function(struct inner *first, struct outer *second) { return first->b + second->x; }

#define SHOW(member) printf(#member " %zu %zu\n", offsetof(struct outer, member), sizeof ((struct outer *)0)->member)

int main(void)
{
	SHOW(c);
	SHOW(x);
	SHOW(y);
	SHOW(z);
	SHOW(in);
	SHOW(p);
	SHOW(name);
	SHOW(list);
	SHOW(last);
	SHOW(in.a);
	SHOW(in.b);
	SHOW(in.colour);
}
