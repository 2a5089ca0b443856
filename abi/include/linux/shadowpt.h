/*
 * The shadow page table: five system calls with which one process, the inspector,
 * watches the page tables of another, the target.
 *
 * Generated from abi/src/shadowpt.rs. `cargo test -p abi` compares, and says what to
 * do when that has changed.
 */

#ifndef _LINUX_SHADOWPT_H
#define _LINUX_SHADOWPT_H

/**
 * The address lies in an area of the target.
 */
#define SPTE_VADDR_ALLOCATED 1

/**
 * The area is anonymous memory.
 */
#define SPTE_VADDR_ANONYMOUS 2

/**
 * A page-table entry maps a frame there.
 */
#define SPTE_PTE_MAPPED 4

/**
 * Longest range that a table covers, in bytes: 2048 pages.
 */
#define MAX_SPT_RANGE 8388608

/**
 * One page of the target.
 */
struct shadow_pte {
	/**
	 * Virtual address of the page.
	 */
	unsigned long vaddr;
	/**
	 * Frame number behind it, 0 if it is not mapped.
	 */
	unsigned long pfn;
	/**
	 * Any of SPTE_VADDR_ALLOCATED, SPTE_VADDR_ANONYMOUS and SPTE_PTE_MAPPED.
	 */
	unsigned long state_flags;
};

/**
 * What an inspector asks for.
 */
struct user_shadow_pt {
	/**
	 * First address of the range.
	 */
	unsigned long start_vaddr;
	/**
	 * First address behind the range. Written back when the range is cut to MAX_SPT_RANGE.
	 */
	unsigned long end_vaddr;
	/**
	 * Where the inspector wants to see the table: one entry for each page of the range.
	 */
	struct shadow_pte *entries;
};

/* The macros take the flags of an entry, and are not 0 when it says so. */

/* The target may have something at the address: it has mapped it. */
#define is_vaddr_allocated(state) ((state) & SPTE_VADDR_ALLOCATED)

/* What it has there comes from no file. */
#define is_vaddr_anonymous(state) ((state) & SPTE_VADDR_ANONYMOUS)

/* There is a frame behind the address now, and the entry has its number. */
#define is_pte_mapped(state) ((state) & SPTE_PTE_MAPPED)

#endif /* _LINUX_SHADOWPT_H */
