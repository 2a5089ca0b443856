#include "attacks.h"

static table root, upper, middle, lower;

/* Every entry of the first table, from `first` on, leads through the same three tables to the same 512 pages. */
static void lead_through_shared_tables(int first, int end, uint64_t memory, uint64_t rights) {
    for (int i = 0; i < ENTRIES; i++) {
        upper[i] = physical(middle) | rights;
        middle[i] = physical(lower) | rights;
        lower[i] = (memory + (uint64_t)i * PAGE_BYTES) | rights | NO_EXECUTE;
    }
    for (int i = first; i < end; i++) {
        root[i] = physical(upper) | rights;
    }
}

static _Noreturn void lie_here(void) {
    root[ENTRIES - 1] = physical(kernel_pdpt) | PRESENT | WRITABLE | USED;
    use_table(root);
    liar();
}

void shared_tables(void) {
    lead_through_shared_tables(0, FIRST_KERNEL_ENTRY, 0x300000, PRESENT | WRITABLE | USER | USED);
    lie_here();
}

void tables_of_devices(void) {
    lead_through_shared_tables(0, ENTRIES, 0xe0000000, PRESENT | WRITABLE | USER | USED);
    lie_here();
}

void table_in_itself(void) {
    for (int i = 0; i < ENTRIES; i++) {
        root[i] = physical(root) | PRESENT | WRITABLE | USER | USED;
    }
    lie_here();
}

void giant_pages(void) {
    for (uint64_t i = 0; i < ENTRIES; i++) {
        upper[i] = i << 30 | PRESENT | WRITABLE | USER | USED | LARGE;
        root[i] = physical(upper) | PRESENT | WRITABLE | USER | USED;
    }
    lie_here();
}

void tables_outside_memory(void) {
    for (uint64_t i = 0; i < FIRST_KERNEL_ENTRY; i++) {
        root[i] = (0xd0000000ULL + i * PAGE_BYTES) | PRESENT | WRITABLE | USER | USED;
        root[FIRST_KERNEL_ENTRY + i] = (0xfffffffff000ULL - i * PAGE_BYTES) | PRESENT | WRITABLE | USED;
    }
    lie_here();
}

/* The same frames, writable at one address and executable at the next, all over the kernel's half. */
void executable_aliases(void) {
    lead_through_shared_tables(FIRST_KERNEL_ENTRY, ENTRIES, 0x800000, PRESENT | WRITABLE | USED);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        lower[i] = (0x800000 + i / 2 * PAGE_BYTES) | PRESENT | USED | (i % 2 ? 0 : WRITABLE | NO_EXECUTE);
    }
    lie_here();
}

/* One entry for the kernel alone that no processor accepts: KVM's walk and the judge's may differ there. */
void reserved_bits(void) {
    root[FIRST_KERNEL_ENTRY - 1] = physical(upper) | PRESENT | WRITABLE | USER | USED;
    upper[0] = physical(middle) | PRESENT | WRITABLE | USER | USED;
    middle[0] = physical(lower) | PRESENT | WRITABLE | USER | USED;
    lower[0] = 1ULL << 51 | PRESENT | USED | NO_EXECUTE;
    lie_here();
}

/* The kernel's own code, for every user to write. */
void kernel_for_users(void) {
    root[0] = physical(upper) | PRESENT | WRITABLE | USER | USED;
    upper[0] = physical(middle) | PRESENT | WRITABLE | USER | USED;
    middle[1] = 0x200000 | PRESENT | WRITABLE | USER | USED | DIRTY | LARGE;
    lie_here();
}
