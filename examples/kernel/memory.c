/* Frames of memory, and how many page-table entries use each. */

#include "kernel.h"

#define FRAMES (1ULL << 18) /* 1 GiB, which is what the kernel maps */
#define RAM 1

static uint16_t references[FRAMES];
static uint64_t next_unused, frames_end, archive_first, archive_last;
/* Frames that were given back: each holds the number of the next. */
static uint64_t first_free;

struct memory_map_entry {
    uint64_t start, bytes;
    uint32_t kind, reserved;
};

/* Takes what is behind the kernel, in the same piece of memory, without the archive. */
void frames_init(const void *map, uint32_t entries, uint64_t kernel_end, uint64_t archive_start, uint64_t archive_end) {
    const struct memory_map_entry *entry = map;
    next_unused = pages_up(kernel_end) / PAGE;
    archive_first = archive_start / PAGE;
    archive_last = pages_up(archive_end) / PAGE;
    for (uint32_t i = 0; i < entries; i++) {
        uint64_t end = entry[i].start + entry[i].bytes;
        if (entry[i].kind == RAM && entry[i].start <= kernel_end && kernel_end < end) frames_end = end / PAGE;
    }
    if (frames_end > FRAMES) frames_end = FRAMES;
    if (frames_end == 0) panic("no memory is behind the kernel");
}

/* A frame of zeros with one reference; 0 when there is none. */
uint64_t frame_allocate(void) {
    uint64_t number = first_free;
    if (number != 0) {
        first_free = *(uint64_t *)at(number * PAGE);
    } else {
        if (archive_first <= next_unused && next_unused < archive_last) next_unused = archive_last;
        if (next_unused >= frames_end) return 0;
        number = next_unused++;
    }
    clear(at(number * PAGE), PAGE);
    references[number] = 1;
    return number * PAGE;
}

void frame_share(uint64_t frame) { references[frame / PAGE]++; }

void frame_release(uint64_t frame) {
    uint64_t number = frame / PAGE;
    if (--references[number] == 0) {
        *(uint64_t *)at(frame) = first_free;
        first_free = number;
    }
}

int frame_is_shared(uint64_t frame) { return references[frame / PAGE] > 1; }
