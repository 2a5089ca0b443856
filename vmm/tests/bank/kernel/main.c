/* Begins the attack that the image names. */

#include "attacks.h"

/* A test writes the name behind the mark into the file of the kernel. */
static const volatile char wanted[40] = "attack=";

static const struct {
    const char *name;
    void (*run)(void);
} attacks[] = {
    {"obedient", obedient},
    {"liar", liar},
    {"printing-liar", printing_liar},
    {"doctoring-liar", doctoring_liar},
    {"babbling-liar", babbling_liar},
    {"liar-in-user-mode", liar_in_user_mode},
    {"shared-tables", shared_tables},
    {"tables-of-devices", tables_of_devices},
    {"table-in-itself", table_in_itself},
    {"giant-pages", giant_pages},
    {"tables-outside-memory", tables_outside_memory},
    {"executable-aliases", executable_aliases},
    {"reserved-bits", reserved_bits},
    {"kernel-for-users", kernel_for_users},
    {"logs", logs},
    {"console", console},
    {"protections", protections},
    {"user-faults", user_faults},
    {"user-fault-ranges", user_fault_ranges},
    {"processes", processes},
    {"ends-of-nobody", ends_of_nobody},
    {"introductions", introductions},
    {"rings", rings},
    {"scribbled-archive", scribbled_archive},
    {"halt", halt},
    {"spin", spin},
    {"triple-fault", triple_fault},
    {"silence-after-a-ring", silence_after_a_ring},
    {"forged-panic", forged_panic},
    {"forged-log", forged_log},
    {"panic-outside-memory", panic_outside_memory},
};

static int is_wanted(const char *name) {
    const volatile char *letter = wanted + sizeof "attack=" - 1;
    while (*name && *name == *letter) {
        name++;
        letter++;
    }
    return !*name && !*letter;
}

void kernel_main(void) {
    for (unsigned i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        if (is_wanted(attacks[i].name)) {
            attacks[i].run();
        }
    }
    static const char text[] = "there is no such attack";
    report(PANIC, 0, physical(text), sizeof text - 1, 0);
}
