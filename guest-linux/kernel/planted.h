/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults that are made on purpose. The word planted=NAME of the command line chooses one.
 */
#ifndef _LINUX_PLANTED_H
#define _LINUX_PLANTED_H

#include <linux/types.h>

enum planted_fault {
	PLANTED_NOTHING,
	/* In the memory of programs. They do not show in the program that brings up the system. */
	PLANTED_COW_KEEPS_WRITE,
	PLANTED_COW_KEEPS_FRAME,
	PLANTED_COW_COPIES_NOTHING,
	PLANTED_FORK_WITHOUT_REFERENCE,
	PLANTED_ZERO_PAGE_WRITABLE,
	PLANTED_PAGE_NOT_CLEARED,
	PLANTED_DONTNEED_KEEPS_PAGE,
	PLANTED_MUNMAP_ONE_PAGE_LESS,
	PLANTED_MPROTECT_KEEPS_WRITE,
	PLANTED_DIRTY_COW,
	PLANTED_DIRTY_BIT_LOST,
	/* In the kernel's own memory. */
	PLANTED_KERNEL_PAGE_FOR_USERS,
	/* In the shadow page table. */
	PLANTED_SHADOWPT_STALE_FRAMES,
	PLANTED_SHADOWPT_AREAS_MISSED,
	PLANTED_SHADOWPT_WRITABLE,
	PLANTED_SHADOWPT_SURVIVES_CLOSE,
	PLANTED_SHADOWPT_NO_TRUNCATION,
	PLANTED_SHADOWPT_LOST_AT_EXECVE,
};

extern enum planted_fault planted;

/* Whether this fault of a program's memory is to be made, now. */
bool planted_in_programs(enum planted_fault fault);

#endif /* _LINUX_PLANTED_H */
