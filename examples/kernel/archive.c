/* The archive of programs: cpio in the "newc" format, as the harness gives it to every kernel. */

#include "kernel.h"

#define HEADER 110

static const char *archive;
static uint64_t archive_bytes;

void archive_init(uint64_t start, uint64_t bytes) {
    archive = at(start);
    archive_bytes = bytes;
}

/* Field number `index` of a header: eight hexadecimal digits each, behind six of magic. */
static uint64_t field(const char *header, int index) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        char digit = header[6 + 8 * index + i];
        value = value << 4 | (uint64_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return value;
}

static int is(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

const uint8_t *archive_find(const char *name, uint64_t *bytes) {
    while (*name == '/') name++;
    for (uint64_t place = 0; place + HEADER < archive_bytes;) {
        const char *header = archive + place;
        uint64_t size = field(header, 6), name_bytes = field(header, 11);
        uint64_t contents = (place + HEADER + name_bytes + 3) & ~3ULL;
        if (is(header + HEADER, name) && contents + size <= archive_bytes) {
            *bytes = size;
            return (const uint8_t *)archive + contents;
        }
        place = (contents + size + 3) & ~3ULL;
    }
    return NULL;
}
