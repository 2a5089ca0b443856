/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the kernel tells the shadow page table what has changed. Each place costs one comparison while no table is started.
 */
#ifndef _LINUX_SHADOWPT_INTERNAL_H
#define _LINUX_SHADOWPT_INTERNAL_H

#include <linux/compiler.h>
#include <uapi/linux/shadowpt.h>
#include <asm/pgtable_types.h>

struct mm_struct;

/* Whose changes are followed, or NULL. Only to be compared. */
extern struct mm_struct *shadowpt_followed;

void __shadowpt_entries(struct mm_struct *mm, unsigned long address, pte_t entry, unsigned int count);
void __shadowpt_areas(struct mm_struct *mm);
void shadowpt_exec(struct mm_struct *mm);
void shadowpt_exit(void);

/* Page-table entries from @address on have become @entry and, for further pages, those that follow it. The lock of their table is held. */
static inline void shadowpt_entries(struct mm_struct *mm, unsigned long address, pte_t entry, unsigned int count)
{
	if (unlikely(mm && mm == READ_ONCE(shadowpt_followed)))
		__shadowpt_entries(mm, address, entry, count);
}

/* Areas may have changed. The mmap lock is held for writing, and about to be given back. */
static inline void shadowpt_areas(struct mm_struct *mm)
{
	if (unlikely(mm == READ_ONCE(shadowpt_followed)))
		__shadowpt_areas(mm);
}

#endif /* _LINUX_SHADOWPT_INTERNAL_H */
