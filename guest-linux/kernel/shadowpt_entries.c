// SPDX-License-Identifier: GPL-2.0
/*
 * The entries of the shadow page table, and whom they follow.
 *
 * While somebody is followed, every change of page-table entries comes by shadowpt_entries(), from where entries are set and cleared, and every
 * change of areas by shadowpt_areas(), when the lock for such a change is given back.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/planted.h>
#include <linux/sched/mm.h>
#include <linux/shadowpt.h>
#include <linux/spinlock.h>

#include "internal.h"
#include "shadowpt_entries.h"

/* The entries, and whom they follow. Taken after an mmap lock. */
static DEFINE_SPINLOCK(entries_lock);

struct mm_struct *shadowpt_followed;

struct shadowpt_table shadowpt_table;

static struct shadow_pte *entry_of(unsigned long address)
{
	return &shadowpt_table.entries[(address - shadowpt_table.start) >> PAGE_SHIFT];
}

static bool is_in_range(unsigned long address)
{
	return address >= shadowpt_table.start && address < shadowpt_table.end;
}

void __shadowpt_entries(struct mm_struct *mm, unsigned long address, pte_t entry, unsigned int count)
{
	address &= PAGE_MASK;
	spin_lock(&entries_lock);
	for (; mm == shadowpt_followed && count > 0; count--, address += PAGE_SIZE) {
		struct shadow_pte *shadow = is_in_range(address) ? entry_of(address) : NULL;

		if (shadow && pte_present(entry)) {
			bool is_known = shadow->state_flags & SPTE_PTE_MAPPED;

			if (!is_known || planted != PLANTED_SHADOWPT_STALE_FRAMES)
				shadow->pfn = pte_pfn(entry);
			shadow->state_flags |= SPTE_PTE_MAPPED;
		} else if (shadow && !(pte_none(entry) && planted == PLANTED_SHADOWPT_STALE_FRAMES)) {
			/* An entry that names a place on a disk names no frame. */
			shadow->pfn = 0;
			shadow->state_flags &= ~SPTE_PTE_MAPPED;
		}
		entry = pte_present(entry) ? pte_next_pfn(entry) : entry;
	}
	spin_unlock(&entries_lock);
}

static void set_areas(struct mm_struct *mm)
{
	VMA_ITERATOR(areas, mm, shadowpt_table.start);
	struct vm_area_struct *area = vma_find(&areas, shadowpt_table.end);
	unsigned long address;

	for (address = shadowpt_table.start; address < shadowpt_table.end; address += PAGE_SIZE) {
		struct shadow_pte *shadow = entry_of(address);

		while (area && area->vm_end <= address)
			area = vma_find(&areas, shadowpt_table.end);
		shadow->state_flags &= SPTE_PTE_MAPPED;
		if (!area || address < area->vm_start)
			continue;
		shadow->state_flags |= SPTE_VADDR_ALLOCATED;
		if (vma_is_anonymous(area))
			shadow->state_flags |= SPTE_VADDR_ANONYMOUS;
	}
}

void __shadowpt_areas(struct mm_struct *mm)
{
	if (planted == PLANTED_SHADOWPT_AREAS_MISSED)
		return;
	spin_lock(&entries_lock);
	if (mm == shadowpt_followed)
		set_areas(mm);
	spin_unlock(&entries_lock);
}

/* The page-table entry for an address, with its table locked, or NULL where there is no table of single pages. */
pte_t *shadowpt_lock_entry(struct mm_struct *mm, unsigned long address, spinlock_t **lock)
{
	pmd_t *pmd = mm_find_pmd(mm, address);

	return pmd ? pte_offset_map_lock(mm, pmd, address, lock) : NULL;
}

/* Nobody is followed any more. */
void shadowpt_follow_nobody(void)
{
	struct mm_struct *before;

	spin_lock(&entries_lock);
	before = shadowpt_followed;
	WRITE_ONCE(shadowpt_followed, NULL);
	spin_unlock(&entries_lock);
	if (before)
		mmdrop(before);
}

/* Has every entry say what is so now in @mm, which may be NULL, and follows it from then on. */
void shadowpt_follow(struct mm_struct *mm)
{
	unsigned long address;
	spinlock_t *lock;
	pte_t *entry;

	shadowpt_follow_nobody();
	if (mm) {
		mmap_write_lock(mm);
		mmgrab(mm);
	}
	spin_lock(&entries_lock);
	for (address = shadowpt_table.start; address < shadowpt_table.end; address += PAGE_SIZE)
		*entry_of(address) = (struct shadow_pte){ .vaddr = address };
	WRITE_ONCE(shadowpt_followed, mm);
	if (mm)
		set_areas(mm);
	spin_unlock(&entries_lock);
	if (!mm)
		return;
	for (address = shadowpt_table.start; address < shadowpt_table.end; address += PAGE_SIZE) {
		entry = shadowpt_lock_entry(mm, address, &lock);
		if (!entry)
			continue;
		__shadowpt_entries(mm, address, ptep_get(entry), 1);
		pte_unmap_unlock(entry, lock);
	}
	mmap_write_unlock(mm);
}
