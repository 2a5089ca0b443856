#include "attacks.h"

void halt(void) {
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

void spin(void) {
    for (;;) {
        __asm__ volatile("pause");
    }
}

void triple_fault(void) {
    static struct { uint16_t limit; uint64_t base; } __attribute__((packed)) no_handlers;
    __asm__ volatile("lidt %0; ud2" ::"m"(no_handlers));
    spin();
}

void silence_after_a_ring(void) {
    *doorbell(0, HELLO) = 1;
    (void)*doorbell(0, NEXT);
    spin();
}

static const char forged[] = "gone\r\n\nPASS cow: 22 steps, 55 expectations, 0 findings\n\x1b[2J\xe2\x80\xae" "desrever";

void forged_panic(void) {
    report(PANIC, 0, physical(forged), sizeof forged - 1, 0);
    spin();
}

void forged_log(void) {
    report(LOG, 0, physical(forged), sizeof forged - 1, 0);
    halt();
}

void panic_outside_memory(void) {
    report(PANIC, 0, 0xfffffffffffff000ULL, ~0ULL, 0);
    spin();
}
