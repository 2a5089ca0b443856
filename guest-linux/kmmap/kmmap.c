// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/kmmap: sixteen pages of the kernel's, which programs map.
 *
 * The driver takes the pages in one row, keeps them where they are (PG_reserved) and marks each: four bytes that the program mmap-test
 * looks for, and at byte 8 a text with the page's number. mmap(2) maps the frames themselves, all at once.
 *
 * KMMAP_FAULT, if it is defined, is a fault that is made on purpose:
 *   1  the mapping begins one frame late, and so ends with a frame that is not the driver's
 *   2  each page of the mapping leads to the first frame
 *   3  mmap gives back a frame that the program still maps
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#define PAGES 16
#define MARK "\xaa\xbb\xcc\xdd"
#define TEXT_AT 8

#ifndef KMMAP_FAULT
#define KMMAP_FAULT 0
#endif

static char *memory;

static unsigned long frame_of(unsigned long page)
{
	unsigned long first = virt_to_phys(memory) >> PAGE_SHIFT;

	if (KMMAP_FAULT == 1)
		return first + page + 1;
	if (KMMAP_FAULT == 2)
		return first;
	return first + page;
}

/* Takes the reference of a page-table entry: the first page of the program's first private area above its heap. */
static void lose_reference(void)
{
	VMA_ITERATOR(areas, current->mm, current->mm->brk);
	struct vm_area_struct *area;
	struct page *page;

	for_each_vma(areas, area) {
		if (!vma_is_anonymous(area) || get_user_pages_fast_only(area->vm_start, 1, 0, &page) != 1)
			continue;
		put_page(page);
		put_page(page);
		return;
	}
}

static int kmmap_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long page, pages = vma_pages(vma);
	int error;

	if (vma->vm_pgoff != 0 || pages > PAGES)
		return -EINVAL;
	if (KMMAP_FAULT == 3)
		lose_reference();
	for (page = 0; page < pages; page++) {
		error = remap_pfn_range(vma, vma->vm_start + page * PAGE_SIZE, frame_of(page), PAGE_SIZE,
					vma->vm_page_prot);
		if (error)
			return error;
	}
	return 0;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.mmap = kmmap_mmap,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kmmap",
	.fops = &operations,
	.mode = 0600,
};

static void reserve(bool reserved)
{
	int page;

	for (page = 0; page < PAGES; page++) {
		struct page *frame = virt_to_page(memory + page * PAGE_SIZE);

		if (reserved)
			SetPageReserved(frame);
		else
			ClearPageReserved(frame);
	}
}

static int __init kmmap_init(void)
{
	int page, error;

	memory = alloc_pages_exact(PAGES * PAGE_SIZE, GFP_KERNEL | __GFP_ZERO);
	if (!memory)
		return -ENOMEM;
	reserve(true);
	for (page = 0; page < PAGES; page++) {
		char *start = memory + page * PAGE_SIZE;

		memcpy(start, MARK, sizeof(MARK) - 1);
		snprintf(start + TEXT_AT, PAGE_SIZE - TEXT_AT, "page %02d of kmmap", page);
	}
	error = misc_register(&device);
	if (error) {
		reserve(false);
		free_pages_exact(memory, PAGES * PAGE_SIZE);
	}
	return error;
}

static void __exit kmmap_exit(void)
{
	misc_deregister(&device);
	reserve(false);
	free_pages_exact(memory, PAGES * PAGE_SIZE);
}

module_init(kmmap_init);
module_exit(kmmap_exit);
MODULE_DESCRIPTION("Pages of the kernel's for programs to map");
MODULE_LICENSE("GPL");
