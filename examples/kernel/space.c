/* Address spaces: areas, page tables, page faults, copy on write. */

#include "kernel.h"

#define MMAP_END 0x00007f0000000000ULL

extern uint64_t kernel_pdpt[];

static uint64_t *table_at(uint64_t entry) { return at(entry & ADDRESS_MASK); }
static unsigned index_of(uint64_t address, int level) { return address >> (12 + 9 * (level - 1)) & (ENTRIES - 1); }

int space_make(struct space *space) {
    space->areas = 0;
    space->top = frame_allocate();
    if (space->top == 0) return -ENOMEM;
    table_at(space->top)[ENTRIES - 1] = physical(kernel_pdpt) | PRESENT | WRITABLE;
    return 0;
}

void space_use(const struct space *space) { __asm__ volatile("mov %0, %%cr3" ::"r"(space->top) : "memory"); }

static void forget(uint64_t address) { __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory"); }

/* The entry for a page; NULL when there is no table for it and none is made, or can be. */
static uint64_t *entry_of(const struct space *space, uint64_t address, int make) {
    uint64_t *table = table_at(space->top);
    for (int level = 4; level > 1; level--) {
        uint64_t *entry = &table[index_of(address, level)];
        if (!(*entry & PRESENT)) {
            uint64_t frame = make ? frame_allocate() : 0;
            if (frame == 0) return NULL;
            *entry = frame | PRESENT | WRITABLE | USER;
        }
        table = table_at(*entry);
    }
    return &table[index_of(address, 1)];
}

static uint64_t bits_of(int protection) {
    return PRESENT | USER | (protection & PROT_WRITE ? WRITABLE : 0) | (protection & PROT_EXEC ? 0 : NO_EXECUTE);
}

const struct area *space_overlapping(const struct space *space, uint64_t start, uint64_t end) {
    for (int i = 0; i < space->areas; i++)
        if (space->area[i].start < end && start < space->area[i].end) return &space->area[i];
    return NULL;
}

/* Room for a mapping: below the lowest that was placed so, with a page between them. */
uint64_t space_find_room(const struct space *space, uint64_t bytes) {
    uint64_t end = MMAP_END;
    const struct area *area;
    while (end > bytes && (area = space_overlapping(space, end - bytes, end))) end = area->start - PAGE;
    return end > bytes ? end - bytes : 0;
}

/* Adds an area. Private memory comes with its first access; what is shared must be there before a fork. */
int space_map(struct space *space, uint64_t start, uint64_t end, int protection, enum kind kind, uint64_t device) {
    if (space->areas == AREAS) return -ENOMEM;
    space->area[space->areas++] = (struct area){start, end, protection, kind};
    if (kind == PRIVATE_MEMORY) return 0;
    for (uint64_t page = start; page < end; page += PAGE) {
        uint64_t *entry = entry_of(space, page, 1);
        uint64_t frame = !entry ? 0 : kind == DEVICE_MEMORY ? device + (page - start) : frame_allocate();
        if (frame == 0) {
            space_unmap(space, start, end);
            return -ENOMEM;
        }
        *entry = frame | bits_of(protection) | SHARED | (kind == DEVICE_MEMORY ? DEVICE : 0);
    }
    return 0;
}

/* Gives the one area that is this range another protection. */
void space_protect(struct space *space, uint64_t start, uint64_t end, int protection) {
    for (int i = 0; i < space->areas; i++)
        if (space->area[i].start == start && space->area[i].end == end) space->area[i].protection = protection;
    for (uint64_t page = start; page < end; page += PAGE) {
        uint64_t *entry = entry_of(space, page, 0);
        if (entry && *entry & PRESENT) *entry = (*entry & ADDRESS_MASK) | bits_of(protection);
    }
}

static void drop_entry(uint64_t *entry, uint64_t address) {
    uint64_t old = *entry;
    *entry = 0;
    forget(address);
    if (old & PRESENT && !(old & DEVICE)) frame_release(old & ADDRESS_MASK);
}

void space_unmap(struct space *space, uint64_t start, uint64_t end) {
    for (int i = 0; i < space->areas; i++) {
        struct area *area = &space->area[i], old = *area;
        if (old.end <= start || end <= old.start) continue;
        uint64_t from = old.start > start ? old.start : start, to = old.end < end ? old.end : end;
        for (uint64_t page = from; page < to; page += PAGE) {
            uint64_t *entry = entry_of(space, page, 0);
            if (entry) drop_entry(entry, page);
        }
        *area = space->area[--space->areas];
        if (old.start < from) space->area[space->areas++] = (struct area){old.start, from, old.protection, old.kind};
        if (to < old.end && space->areas < AREAS) space->area[space->areas++] = (struct area){to, old.end, old.protection, old.kind};
        i = -1;
    }
}

/* What fork does: private pages are shared by both, and neither may write to them until it has a copy. */
int space_copy(struct space *to, struct space *from) {
    if (space_make(to) != 0) return -ENOMEM;
    to->areas = from->areas;
    copy(to->area, from->area, sizeof from->area);
    for (int i = 0; i < from->areas; i++) {
        for (uint64_t page = from->area[i].start; page < from->area[i].end; page += PAGE) {
            uint64_t *old = entry_of(from, page, 0);
            if (!old || !(*old & PRESENT)) continue;
            uint64_t *new = entry_of(to, page, 1);
            if (!new) {
                space_destroy(to);
                return -ENOMEM;
            }
            if (!(*old & SHARED)) *old &= ~WRITABLE;
            if (!(*old & DEVICE)) frame_share(*old & ADDRESS_MASK);
            *new = *old;
        }
    }
    space_use(from);
    return 0;
}

static void destroy_tables(uint64_t table, int level) {
    for (int i = 0; level > 1 && i < (level == 4 ? ENTRIES / 2 : ENTRIES); i++) {
        uint64_t entry = table_at(table)[i];
        if (entry & PRESENT) destroy_tables(entry & ADDRESS_MASK, level - 1);
    }
    frame_release(table);
}

void space_destroy(struct space *space) {
    while (space->areas > 0) space_unmap(space, space->area[0].start, space->area[0].end);
    destroy_tables(space->top, 4);
    space->top = 0;
}

/* Makes a page fit for an access; fails when the access is not allowed, or there is no memory. */
int space_fault(struct space *space, uint64_t address, int access) {
    uint64_t page = page_of(address);
    const struct area *area = space_overlapping(space, page, page + PAGE);
    if (!area || !(area->protection & access)) return -EFAULT;
    uint64_t *entry = entry_of(space, page, 1);
    if (!entry) return -EFAULT;
    if (!(*entry & PRESENT)) {
        uint64_t frame = frame_allocate();
        if (frame == 0) return -EFAULT;
        *entry = frame | bits_of(area->protection);
        return 0;
    }
    if (access == PROT_WRITE && !(*entry & WRITABLE)) {
        uint64_t old = *entry & ADDRESS_MASK, frame = old;
        if (frame_is_shared(old)) {
            frame = frame_allocate();
            if (frame == 0) return -EFAULT;
            copy(at(frame), at(old), PAGE);
            frame_release(old);
        }
        *entry = frame | bits_of(area->protection);
        forget(page);
    }
    return 0;
}

/* Where the kernel sees a byte of a process; NULL when the process could not make that access. */
static uint8_t *byte_of(struct space *space, uint64_t address, int access) {
    if (address >= USER_END) return NULL;
    uint64_t *entry = entry_of(space, address, 0);
    int fits = entry && *entry & PRESENT && (access != PROT_WRITE || *entry & WRITABLE);
    if (!fits && space_fault(space, address, access) != 0) return NULL;
    entry = entry_of(space, address, 0);
    return *entry & DEVICE ? NULL : (uint8_t *)at((*entry & ADDRESS_MASK) + address % PAGE);
}

/* Copies page by page between memory of the kernel's and of a process's: to the process when the access is a write. */
static int transfer(struct space *space, uint8_t *ours, uint64_t theirs, uint64_t bytes, int access) {
    while (bytes > 0) {
        uint64_t part = PAGE - theirs % PAGE < bytes ? PAGE - theirs % PAGE : bytes;
        uint8_t *place = byte_of(space, theirs, access);
        if (!place) return -EFAULT;
        if (access == PROT_WRITE) copy(place, ours, part);
        else copy(ours, place, part);
        ours += part, theirs += part, bytes -= part;
    }
    return 0;
}

int copy_in(struct space *space, void *to, uint64_t from, uint64_t bytes) { return transfer(space, to, from, bytes, PROT_READ); }

int copy_out(struct space *space, uint64_t to, const void *from, uint64_t bytes) {
    return transfer(space, (uint8_t *)from, to, bytes, PROT_WRITE);
}
