/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The entries of the shadow page table, for its calls.
 */
#ifndef _MM_SHADOWPT_ENTRIES_H
#define _MM_SHADOWPT_ENTRIES_H

#include <linux/shadowpt.h>
#include <linux/spinlock.h>

/* The entries, one for each page of the range, while a table is open. Changed by its calls alone, one at a time, while nobody is followed. */
struct shadowpt_table {
	struct shadow_pte *entries;
	size_t bytes;
	unsigned long start, end;
};
extern struct shadowpt_table shadowpt_table;

/* Has every entry say what is so now in @mm, which may be NULL, and follows it from then on. */
void shadowpt_follow(struct mm_struct *mm);
/* Nobody is followed any more. */
void shadowpt_follow_nobody(void);
/* The page-table entry for an address, with its table locked, or NULL where there is no table of single pages. */
pte_t *shadowpt_lock_entry(struct mm_struct *mm, unsigned long address, spinlock_t **lock);

#endif /* _MM_SHADOWPT_ENTRIES_H */
