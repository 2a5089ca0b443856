#include "attacks.h"

static uint8_t text[1024];

void logs(void) {
    for (;;) {
        report(LOG, 0, physical(text), sizeof text, 0);
    }
}

void console(void) {
    for (;;) {
        out8(PORT_CONSOLE, 1);
    }
}

void protections(void) {
    for (;;) {
        report(PAGES_PROTECTED, 0, 0, 0, 0);
    }
}

void user_faults(void) {
    report(USER_FAULT_REGISTERED, 2, 0, 0x7ffffffff000ULL, 1);
    for (uint64_t page = PAGE_BYTES;; page += PAGE_BYTES) {
        report(USER_FAULT, 2, page, 0, 0);
    }
}

void user_fault_ranges(void) {
    for (uint64_t page = PAGE_BYTES;; page += PAGE_BYTES) {
        report(USER_FAULT_REGISTERED, 2, page, PAGE_BYTES, 3);
    }
}

void processes(void) {
    for (uint32_t pid = 1;; pid++) {
        report(CREATED, pid, 0, PAGE_BYTES, 0);
    }
}

void ends_of_nobody(void) {
    for (uint32_t pid = 1;; pid++) {
        report(EXITED, pid, 0, 0, 0);
    }
}

/* Every channel has an agent, and each says more than an answer may hold. */
void introductions(void) {
    for (uint64_t round = 0;; round++) {
        for (uint64_t channel = 0; channel < 1024; channel++) {
            *doorbell(channel, HELLO) = channel;
            for (int words = 0; words < 600; words++) {
                *doorbell(channel, DATA) = round;
            }
        }
    }
}

void rings(void) {
    *doorbell(0, HELLO) = 1;
    for (uint64_t channel = 0;; channel++) {
        (void)*doorbell(channel % 1024, NEXT);
    }
}

/* The archive of programs is written anew before each ring. */
void scribbled_archive(void) {
    const uint64_t *information = at(start_info), *module = at(information[2]);
    uint64_t start = module[0], bytes = module[1];
    *doorbell(0, HELLO) = 1;
    for (uint64_t round = 1;; round++) {
        for (uint64_t offset = 0; offset < bytes; offset += PAGE_BYTES) {
            *(volatile uint64_t *)at(start + offset) = round;
        }
        (void)*doorbell(0, NEXT);
        *doorbell(0, RESULT) = 0x10000000;
    }
}
