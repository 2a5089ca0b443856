// SPDX-License-Identifier: GPL-2.0
/*
 * Which fault is made on purpose, and the one that needs no place of its own in the kernel. The others stand where they are made.
 */
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/planted.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

/* The program in which faults do not show: it brings up the system. */
#define FIRST_PROGRAM "linux-init"

static const char *const names[] = {
	[PLANTED_NOTHING] = "nothing",
	[PLANTED_COW_KEEPS_WRITE] = "cow-keeps-write",
	[PLANTED_COW_KEEPS_FRAME] = "cow-keeps-frame",
	[PLANTED_COW_COPIES_NOTHING] = "cow-copies-nothing",
	[PLANTED_FORK_WITHOUT_REFERENCE] = "fork-without-reference",
	[PLANTED_ZERO_PAGE_WRITABLE] = "zero-page-writable",
	[PLANTED_PAGE_NOT_CLEARED] = "page-not-cleared",
	[PLANTED_DONTNEED_KEEPS_PAGE] = "dontneed-keeps-page",
	[PLANTED_MUNMAP_ONE_PAGE_LESS] = "munmap-one-page-less",
	[PLANTED_MPROTECT_KEEPS_WRITE] = "mprotect-keeps-write",
	[PLANTED_DIRTY_COW] = "dirty-cow",
	[PLANTED_DIRTY_BIT_LOST] = "dirty-bit-lost",
	[PLANTED_KERNEL_PAGE_FOR_USERS] = "kernel-page-for-users",
	[PLANTED_SHADOWPT_STALE_FRAMES] = "shadowpt-stale-frames",
	[PLANTED_SHADOWPT_AREAS_MISSED] = "shadowpt-areas-missed",
	[PLANTED_SHADOWPT_WRITABLE] = "shadowpt-writable",
	[PLANTED_SHADOWPT_SURVIVES_CLOSE] = "shadowpt-survives-close",
	[PLANTED_SHADOWPT_NO_TRUNCATION] = "shadowpt-no-truncation",
	[PLANTED_SHADOWPT_LOST_AT_EXECVE] = "shadowpt-lost-at-execve",
};

enum planted_fault planted __ro_after_init;

bool planted_in_programs(enum planted_fault fault)
{
	return unlikely(planted == fault) && current->mm && strcmp(current->comm, FIRST_PROGRAM);
}

static int __init choose(char *name)
{
	int fault;

	for (fault = PLANTED_NOTHING; fault < ARRAY_SIZE(names); fault++)
		if (!strcmp(name, names[fault])) {
			planted = fault;
			return 1;
		}
	panic("planted=%s: there is no such fault", name);
}
__setup("planted=", choose);

static int __init open_page_to_users(void)
{
	struct page *page;

	if (planted != PLANTED_KERNEL_PAGE_FOR_USERS)
		return 0;
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page || !vmap(&page, 1, VM_MAP, __pgprot(pgprot_val(PAGE_KERNEL) | _PAGE_USER)))
		panic("no memory for a page that users reach");
	return 0;
}
late_initcall(open_page_to_users);
