// A C program with nothing under it but system calls: no library, no start files.
//
// It shows that the kernel starts programs that it was not built together with: arguments and environment where the
// System V ABI puts them, initialised, constant and zero-initialised data, and calls through pointers.

#include "nonce.h"

typedef unsigned long word;

enum { SYS_WRITE = 1, SYS_EXIT_GROUP = 231, STDOUT = 1 };

static word system_call(word number, word first, word second, word third) {
    word result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}

static void print(const char *text) {
    word length = 0;
    while (text[length] != '\0')
        length++;
    system_call(SYS_WRITE, STDOUT, (word)text, length);
}

static void print_number(word number) {
    char digits[21];
    char *first = digits + sizeof digits - 1;
    *first = '\0';
    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    print(first);
}

static int initialised = 40;
static const int constant = 2;
static unsigned char zero[3 * 4096];

static word twice(word value) { return 2 * value; }
static word square(word value) { return value * value; }
static word (*const functions[])(word) = {twice, square};

// Called with the stack as the kernel left it: argc, argv, a null pointer, the environment.
__attribute__((used)) static void run(const word *stack) {
    word argc = stack[0];
    const char *const *argv = (const char *const *)(stack + 1);

    char line[NONCE_LINE_BYTES];
    int length = nonce_line(argv + argc + 1, line);
    if (length != 0)
        system_call(SYS_WRITE, STDOUT, (word)line, (word)length);

    for (word index = 0; index < argc; index++) {
        print("argv[");
        print_number(index);
        print("] = ");
        print(argv[index]);
        print("\n");
    }
    print(argv[argc] == 0 ? "a null pointer follows\n" : "no null pointer follows\n");

    initialised += constant;
    print("data: ");
    print_number((word)initialised);

    word sum = 0;
    for (word index = 0; index < sizeof zero; index++)
        sum += zero[index];
    print("\nsum of zeros: ");
    print_number(sum);

    for (word index = 0; index < sizeof functions / sizeof functions[0]; index++) {
        print(index == 0 ? "\nfunctions of 12: " : ", ");
        print_number(functions[index](12));
    }
    print("\n");
    system_call(SYS_EXIT_GROUP, 0, 0, 0);
}

__asm__(".globl _start\n"
        "_start:\n"
        "    xor %ebp, %ebp\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call run\n"
        "    ud2\n");
