/* Kernels without processes that speak the agents' part of the conversation themselves. */

#include "attacks.h"

#define MAX_AGENTS 32
#define FIRST_REGION 0x10000000ULL
#define NO_CHILD ((uint64_t)-10)
#define NO_SUCH_CALL ((uint64_t)-38)
#define FRAME_BITS 0x000ffffffffff000ULL

static uint64_t argument(uint64_t channel, int index) { return doorbell(channel, ARGUMENTS)[index]; }
static uint64_t pid_of(uint64_t channel) { return channel + 1; }

static _Noreturn void power_off(void) {
    report(9, 0, 0, 0, 0);
    halt();
}

/* --- Liars: each operation is said to be done, and nothing is. --- */

static void nothing(void) {}
static void print(void) {
    for (int i = 0; i < 1 << 16; i++) {
        out8(PORT_CONSOLE, 1);
    }
}

static void doctor(void) {
    static const uint64_t tables[][2] = {{0, ~0ULL}, {0x1fff000, 8192}, {~0ULL, 1}, {0x100000000ULL, 1ULL << 40}, {0, 8192}};
    static unsigned next;
    report(FRAME_TABLE, 0, tables[next % 5][0], tables[next % 5][1], 0);
    next++;
}

static _Noreturn void lie(void (*before_each_answer)(void), void (*program)(void), int words) {
    uint64_t channels = 1;
    *doorbell(0, HELLO) = pid_of(0);
    for (uint64_t channel = 0;; channel = (channel + 1) % channels) {
        uint64_t operation = *doorbell(channel, NEXT), result = 0;
        if (!operation) {
            continue;
        }
        before_each_answer();
        switch (operation) {
        case MMAP: result = FIRST_REGION; break;
        case READ: case WRITE: case FILL: result = argument(channel, 1); break;
        case TOUCH_STACK: result = argument(channel, 0); *doorbell(channel, VALUE) = FIRST_REGION; break;
        case EXEC: program(); result = 9; break;
        case WAIT: result = NO_CHILD; break;
        case POWER_OFF: power_off();
        case EXIT: report(EXITED, (uint32_t)pid_of(channel), (argument(channel, 0) & 0xff) << 8, 0, 0); continue;
        case FORK: {
            uint64_t child = argument(channel, 0);
            *doorbell(channel, RESULT) = pid_of(child);
            channels = child < channels ? channels : child + 1;
            *doorbell(child, HELLO) = pid_of(child) | pid_of(channel) << 32;
            continue;
        }
        }
        for (int word = 0; word < words; word++) {
            *doorbell(channel, DATA) = ~0ULL;
        }
        *doorbell(channel, RESULT) = result;
    }
}

void liar(void) { lie(nothing, nothing, 0); }
void printing_liar(void) { lie(nothing, print, 0); }
void doctoring_liar(void) { lie(doctor, nothing, 0); }
void babbling_liar(void) { lie(nothing, nothing, 700); }

/* --- The same from user mode, in code that is no program's. --- */

extern const uint8_t user_code[], user_code_end[];

void liar_in_user_mode(void) {
    static table root, upper, middle, lower;
    static uint8_t page[PAGE_BYTES] __attribute__((aligned(4096)));
    for (long i = 0; i < user_code_end - user_code; i++) {
        page[i] = user_code[i];
    }
    root[0] = physical(upper) | PRESENT | WRITABLE | USER;
    upper[0] = physical(middle) | PRESENT | WRITABLE | USER;
    middle[2] = physical(lower) | PRESENT | WRITABLE | USER;
    lower[0] = physical(page) | PRESENT | USER;
    middle[256] = 0xd0000000ULL | PRESENT | WRITABLE | USER | LARGE | NO_EXECUTE;
    root[ENTRIES - 1] = physical(kernel_pdpt) | PRESENT | WRITABLE;
    use_table(root);
    enter_user(0x400000);
}

/* --- Obedient: page tables and copy-on-write as they should be, and nobody who runs. --- */

#define FIRST_FRAME 0x800000ULL
#define FRAMES 4096

static uint32_t references[FRAMES];

static uint32_t *references_of(uint64_t frame) { return &references[(frame - FIRST_FRAME) / PAGE_BYTES]; }

static uint64_t new_frame(void) {
    for (uint64_t i = 0; i < FRAMES; i++) {
        if (references[i]) {
            continue;
        }
        references[i] = 1;
        uint64_t frame = FIRST_FRAME + i * PAGE_BYTES, *words = at(frame);
        for (int word = 0; word < ENTRIES; word++) {
            words[word] = 0;
        }
        return frame;
    }
    return 0;
}

static struct agent {
    uint64_t channel, pid, parent, root, next_region, status;
    enum { NOBODY, ALIVE, WAITS, ZOMBIE } state;
} agents[MAX_AGENTS];

static struct agent *new_agent(uint64_t channel, uint64_t parent, uint64_t root, uint64_t next_region) {
    static uint64_t next_pid = 1;
    struct agent *agent = agents;
    while (agent->state != NOBODY) {
        agent++;
    }
    *agent = (struct agent){channel, next_pid++, parent, root, next_region, 0, ALIVE};
    return agent;
}

static uint64_t *entry_of(uint64_t root, uint64_t address) {
    uint64_t *entries = at(root);
    for (int shift = 39; shift > 12; shift -= 9) {
        uint64_t *entry = &entries[address >> shift & 511];
        if (!(*entry & PRESENT)) {
            *entry = new_frame() | PRESENT | WRITABLE | USER;
        }
        entries = at(*entry & FRAME_BITS);
    }
    return &entries[address >> 12 & 511];
}

static uint8_t *byte_of(struct agent *agent, uint64_t address, int is_written) {
    uint64_t *entry = entry_of(agent->root, address);
    if (!(*entry & PRESENT)) {
        *entry = new_frame() | PRESENT | WRITABLE | USER | NO_EXECUTE;
    }
    uint64_t frame = *entry & FRAME_BITS;
    if (is_written && !(*entry & WRITABLE)) {
        if (*references_of(frame) > 1) {
            uint64_t copy = new_frame(), *from = at(frame), *to = at(copy);
            for (int word = 0; word < ENTRIES; word++) {
                to[word] = from[word];
            }
            --*references_of(frame);
            frame = copy;
        }
        *entry = frame | PRESENT | WRITABLE | USER | NO_EXECUTE;
    }
    return (uint8_t *)at(frame) + (address & (PAGE_BYTES - 1));
}

static uint64_t copy_of(uint64_t from, int level) {
    uint64_t to = new_frame(), *old = at(from), *new = at(to);
    for (int i = 0; i < (level == 4 ? FIRST_KERNEL_ENTRY : ENTRIES); i++) {
        if (!(old[i] & PRESENT)) {
            continue;
        }
        if (level > 1) {
            new[i] = copy_of(old[i] & FRAME_BITS, level - 1) | PRESENT | WRITABLE | USER;
        } else {
            old[i] &= ~WRITABLE;
            new[i] = old[i];
            ++*references_of(old[i] & FRAME_BITS);
        }
    }
    if (level == 4) {
        new[ENTRIES - 1] = old[ENTRIES - 1];
    }
    return to;
}

static void give_back(uint64_t from, int level) {
    uint64_t *entries = at(from);
    for (int i = 0; i < (level == 4 ? FIRST_KERNEL_ENTRY : ENTRIES); i++) {
        if (!(entries[i] & PRESENT)) {
            continue;
        }
        if (level > 1) {
            give_back(entries[i] & FRAME_BITS, level - 1);
        } else {
            --*references_of(entries[i] & FRAME_BITS);
        }
    }
    --*references_of(from);
}

static int reap(struct agent *parent) {
    uint64_t wanted = argument(parent->channel, 0), has_children = 0;
    for (struct agent *child = agents; child < agents + MAX_AGENTS; child++) {
        if (child->state == NOBODY || child->parent != parent->pid) {
            continue;
        }
        has_children = 1;
        if (child->state == ZOMBIE && (wanted == ~0ULL || wanted == child->pid)) {
            child->state = NOBODY;
            *doorbell(parent->channel, VALUE) = child->status;
            *doorbell(parent->channel, RESULT) = child->pid;
            return 1;
        }
    }
    if (!has_children || argument(parent->channel, 1) & 1) {
        *doorbell(parent->channel, RESULT) = has_children ? 0 : NO_CHILD;
        return 1;
    }
    return 0;
}

static void introduce(struct agent *agent) {
    use_table(at(agent->root));
    *doorbell(agent->channel, HELLO) = agent->pid | agent->parent << 32;
}

static void serve(struct agent *agent) {
    uint64_t channel = agent->channel, operation = *doorbell(channel, NEXT), result = 0;
    uint64_t place = argument(channel, 0), bytes = argument(channel, 1);
    switch (operation) {
    case 0: return;
    case MMAP:
        result = agent->next_region;
        agent->next_region += bytes + 0x100000;
        break;
    case READ:
        for (uint64_t offset = 0; offset < bytes; offset += 8) {
            uint64_t word = 0;
            for (uint64_t i = 0; i < 8 && offset + i < bytes; i++) {
                word |= (uint64_t)*byte_of(agent, place + offset + i, 0) << 8 * i;
            }
            *doorbell(channel, DATA) = word;
        }
        result = bytes;
        break;
    case WRITE:
        for (uint64_t offset = 0; offset < bytes; offset += 8) {
            uint64_t word = *doorbell(channel, 0x40);
            for (uint64_t i = 0; i < 8 && offset + i < bytes; i++) {
                *byte_of(agent, place + offset + i, 1) = (uint8_t)(word >> 8 * i);
            }
        }
        result = bytes;
        break;
    case FILL:
        for (uint64_t i = 0; i < bytes; i++) {
            *byte_of(agent, place + i, 1) = (uint8_t)argument(channel, 2);
        }
        result = bytes;
        break;
    case FORK: {
        struct agent *child = new_agent(place, agent->pid, copy_of(agent->root, 4), agent->next_region);
        *doorbell(channel, RESULT) = child->pid;
        introduce(child);
        return;
    }
    case EXIT:
        agent->state = ZOMBIE;
        agent->status = (place & 0xff) << 8;
        use_table(at(agents[0].root));
        give_back(agent->root, 4);
        report(EXITED, (uint32_t)agent->pid, agent->status, 0, 0);
        return;
    case WAIT:
        agent->state = reap(agent) ? ALIVE : WAITS;
        return;
    case POWER_OFF: power_off();
    default: result = NO_SUCH_CALL;
    }
    *doorbell(channel, RESULT) = result;
}

void obedient(void) {
    uint64_t root = new_frame();
    ((uint64_t *)at(root))[ENTRIES - 1] = physical(kernel_pdpt) | PRESENT | WRITABLE;
    introduce(new_agent(0, 0, root, FIRST_REGION));
    for (;;) {
        for (struct agent *agent = agents; agent < agents + MAX_AGENTS; agent++) {
            if (agent->state == NOBODY || agent->state == ZOMBIE) {
                continue;
            }
            use_table(at(agent->root));
            if (agent->state == ALIVE) {
                serve(agent);
            } else if (reap(agent)) {
                agent->state = ALIVE;
            }
        }
    }
}
