// SPDX-License-Identifier: GPL-2.0
/*
 * The shadow page table: five system calls with which one process, the inspector, watches the page tables of another, the target.
 *
 * There is one table at a time. Its entries lie in frames of the kernel's, which an area of the inspector's shows, read-only; who they
 * follow is in shadowpt_entries.c. Here are the calls, and that area.
 *
 * Locks: `calls` is taken before an mmap lock.
 */
#include <linux/cred.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/planted.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shadowpt.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "shadowpt_entries.h"

/* What the inspector's area has while it shows the table, beside its right to read. */
#define WINDOW_FLAGS (VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY)
/* And what it must not have had before. */
#define NOT_FOR_WINDOWS (VM_SHARED | VM_GROWSDOWN | VM_LOCKED | VM_HUGETLB | WINDOW_FLAGS)

/* One call at a time. */
static DEFINE_MUTEX(calls);

/* Who has opened the table, if it has entries, and of whom. */
static struct {
	struct pid *inspector, *target;
	/* The inspector's memory, and what its area was allowed before. */
	struct mm_struct *window;
	vm_flags_t flags;
} table;

static bool is_superuser(void)
{
	return uid_eq(current_euid(), GLOBAL_ROOT_UID);
}

/* The target's memory with a reference, or NULL when it has ended. */
static struct mm_struct *memory_of_target(void)
{
	struct task_struct *task = get_pid_task(table.target, PIDTYPE_TGID);
	struct mm_struct *mm = task ? get_task_mm(task) : NULL;

	if (task)
		put_task_struct(task);
	return mm;
}

/*
 * What the inspector sees
 */

static const struct vm_operations_struct window_operations = {};

/* The area of untouched private memory around the window, or NULL. */
static struct vm_area_struct *area_for_window(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *area = vma_lookup(mm, start);
	unsigned long address;

	if (!area || area->vm_end < end || !vma_is_anonymous(area))
		return NULL;
	if (!(area->vm_flags & VM_READ) || (area->vm_flags & NOT_FOR_WINDOWS))
		return NULL;
	for (address = start; address < end; address += PAGE_SIZE) {
		spinlock_t *lock;
		pmd_t *pmd = mm_find_pmd(mm, address);
		pte_t *entry = shadowpt_lock_entry(mm, address, &lock);
		bool is_touched = pmd && !pmd_none(pmdp_get(pmd)) && !entry;

		if (entry) {
			is_touched = !pte_none(ptep_get(entry));
			pte_unmap_unlock(entry, lock);
		}
		if (is_touched)
			return NULL;
	}
	return area;
}

/* Gives the area from @start to @end other rights, split from or merged with those beside it. */
static struct vm_area_struct *change_area(struct vma_iterator *areas, struct vm_area_struct *area, unsigned long start,
					  unsigned long end, vm_flags_t flags)
{
	struct vm_area_struct *before = vma_prev(areas);

	vma_iter_set(areas, start);
	vma_iter_load(areas);
	if (start > area->vm_start)
		before = area;
	area = vma_modify_flags(areas, before, area, start, end, flags);
	if (IS_ERR(area))
		return area;
	vm_stat_account(area->vm_mm, area->vm_flags, -((end - start) >> PAGE_SHIFT));
	vm_stat_account(area->vm_mm, flags, (end - start) >> PAGE_SHIFT);
	vma_start_write(area);
	vm_flags_reset(area, flags);
	vma_set_page_prot(area);
	return area;
}

/* Maps the entries over the inspector's own memory. */
static int open_window(unsigned long start)
{
	struct mm_struct *mm = current->mm;
	unsigned long end = start + shadowpt_table.bytes;
	struct vm_area_struct *area;
	VMA_ITERATOR(areas, mm, start);
	vm_flags_t flags;
	int error = -EINVAL;

	mmap_write_lock(mm);
	area = area_for_window(mm, start, end);
	if (!area)
		goto out;
	vma_iter_load(&areas);
	table.flags = area->vm_flags;
	flags = table.flags | WINDOW_FLAGS;
	if (planted != PLANTED_SHADOWPT_WRITABLE)
		flags &= ~(VM_WRITE | VM_MAYWRITE);
	else
		flags |= VM_SHARED;
	area = change_area(&areas, area, start, end, flags);
	if (IS_ERR(area)) {
		error = PTR_ERR(area);
		goto out;
	}
	area->vm_ops = &window_operations;
	error = remap_pfn_range(area, start, virt_to_phys(shadowpt_table.entries) >> PAGE_SHIFT, shadowpt_table.bytes, area->vm_page_prot);
out:
	mmap_write_unlock(mm);
	return error;
}

/* The inspector's memory is its own again, and as it was when it was mapped. */
static void close_window(void)
{
	struct mm_struct *mm = table.window;
	struct vm_area_struct *area;
	VMA_ITERATOR(areas, mm, 0);

	if (planted == PLANTED_SHADOWPT_SURVIVES_CLOSE || !mmget_not_zero(mm))
		return;
	mmap_write_lock(mm);
	for_each_vma(areas, area) {
		struct vm_area_struct *merged;

		if (area->vm_ops != &window_operations)
			continue;
		zap_vma_ptes(area, area->vm_start, area->vm_end - area->vm_start);
		vma_start_write(area);
		area->vm_ops = NULL;
		merged = change_area(&areas, area, area->vm_start, area->vm_end, table.flags);
		if (IS_ERR(merged)) {
			/* It stays an area of its own. */
			vm_flags_reset(area, table.flags);
			vma_set_page_prot(area);
			merged = area;
		}
		vma_iter_set(&areas, merged->vm_end);
	}
	mmap_write_unlock(mm);
	mmput(mm);
}

/* Undoes all that open did. */
static void close_table(void)
{
	shadowpt_follow_nobody();
	close_window();
	mmdrop(table.window);
	put_pid(table.target);
	put_pid(table.inspector);
	if (shadowpt_table.entries && planted != PLANTED_SHADOWPT_SURVIVES_CLOSE)
		free_pages_exact(shadowpt_table.entries, shadowpt_table.bytes);
	memset(&table, 0, sizeof(table));
	memset(&shadowpt_table, 0, sizeof(shadowpt_table));
}

/*
 * The calls
 */

static long check_range(struct user_shadow_pt *request)
{
	unsigned long start = request->start_vaddr, end = request->end_vaddr, entries = (unsigned long)request->entries;

	if ((start | end | entries) & ~PAGE_MASK || start >= end || end > TASK_SIZE || entries >= TASK_SIZE)
		return -EINVAL;
	if (planted != PLANTED_SHADOWPT_NO_TRUNCATION && end - start > MAX_SPT_RANGE)
		request->end_vaddr = start + MAX_SPT_RANGE;
	return 0;
}

static long open_table(pid_t target, struct user_shadow_pt __user *to)
{
	struct user_shadow_pt request;
	unsigned long end;
	struct mm_struct *mm;
	long error;

	if (copy_from_user(&request, to, sizeof(request)))
		return -EFAULT;
	end = request.end_vaddr;
	error = check_range(&request);
	if (error)
		return error;
	table.target = find_get_pid(target);
	mm = table.target ? memory_of_target() : NULL;
	if (!mm) {
		put_pid(table.target);
		table.target = NULL;
		return -EINVAL;
	}
	mmput(mm);
	shadowpt_table.start = request.start_vaddr;
	shadowpt_table.end = request.end_vaddr;
	shadowpt_table.bytes = PAGE_ALIGN(((shadowpt_table.end - shadowpt_table.start) >> PAGE_SHIFT) * sizeof(struct shadow_pte));
	table.inspector = get_pid(task_tgid(current));
	table.window = current->mm;
	mmgrab(table.window);
	shadowpt_table.entries = alloc_pages_exact(shadowpt_table.bytes, GFP_KERNEL | __GFP_ZERO);
	error = shadowpt_table.entries ? open_window((unsigned long)request.entries) : -ENOMEM;
	if (!error && request.end_vaddr != end && put_user(request.end_vaddr, &to->end_vaddr))
		error = -EFAULT;
	if (error)
		close_table();
	return error;
}

SYSCALL_DEFINE2(shadowpt_open, pid_t, target, struct user_shadow_pt __user *, to)
{
	long error;

	if (!is_superuser())
		return -EPERM;
	mutex_lock(&calls);
	error = shadowpt_table.entries ? -EBUSY : open_table(target, to);
	mutex_unlock(&calls);
	return error;
}

/* What only the process that opened the table may do with it. */
static long by_inspector(void (*act)(void))
{
	long error = 0;

	mutex_lock(&calls);
	if (!shadowpt_table.entries)
		error = -EINVAL;
	else if (table.inspector != task_tgid(current))
		error = -EPERM;
	else
		act();
	mutex_unlock(&calls);
	return error;
}

static void start_table(void)
{
	struct mm_struct *mm = memory_of_target();

	shadowpt_follow(mm);
	if (mm)
		mmput(mm);
}

SYSCALL_DEFINE0(shadowpt_close)
{
	return by_inspector(close_table);
}

SYSCALL_DEFINE0(shadowpt_start)
{
	return by_inspector(start_table);
}

SYSCALL_DEFINE0(shadowpt_stop)
{
	return by_inspector(shadowpt_follow_nobody);
}

/* Copies the frame if the target maps it in the range. */
static bool copy_frame(unsigned long frame, void *to)
{
	struct mm_struct *mm = memory_of_target();
	bool is_found = false;
	unsigned long address;
	spinlock_t *lock;

	if (!mm)
		return false;
	mmap_read_lock(mm);
	for (address = shadowpt_table.start; address < shadowpt_table.end && !is_found; address += PAGE_SIZE) {
		pte_t *entry = shadowpt_lock_entry(mm, address, &lock);

		if (!entry)
			continue;
		is_found = pte_present(ptep_get(entry)) && pte_pfn(ptep_get(entry)) == frame;
		if (is_found)
			copy_page(to, __va(PFN_PHYS(frame)));
		pte_unmap_unlock(entry, lock);
	}
	mmap_read_unlock(mm);
	mmput(mm);
	return is_found;
}

SYSCALL_DEFINE2(shadowpt_page_contents, unsigned long, frame, void __user *, buffer)
{
	void *contents;
	long error = 0;

	if (!is_superuser())
		return -EPERM;
	contents = (void *)__get_free_page(GFP_KERNEL);
	if (!contents)
		return -ENOMEM;
	mutex_lock(&calls);
	if (!shadowpt_table.entries || !pfn_valid(frame) || !copy_frame(frame, contents))
		error = -EINVAL;
	mutex_unlock(&calls);
	if (!error && copy_to_user(buffer, contents, PAGE_SIZE))
		error = -EFAULT;
	free_page((unsigned long)contents);
	return error;
}

/*
 * What processes do meanwhile
 */

/* The process that runs has begun another program, in @mm. */
void shadowpt_exec(struct mm_struct *mm)
{
	mutex_lock(&calls);
	if (shadowpt_table.entries && table.inspector == task_tgid(current))
		close_table();
	else if (shadowpt_table.entries && table.target == task_tgid(current) && shadowpt_followed) {
		if (planted == PLANTED_SHADOWPT_LOST_AT_EXECVE)
			shadowpt_follow_nobody();
		else
			shadowpt_follow(mm);
	}
	mutex_unlock(&calls);
}

/* The process that runs ends. */
void shadowpt_exit(void)
{
	mutex_lock(&calls);
	if (shadowpt_table.entries && table.inspector == task_tgid(current))
		close_table();
	mutex_unlock(&calls);
}
