// A C program as anybody writes one: printf, malloc, fork, wait and threads of an unmodified, statically linked libc.
//
// What it prints is the same on every kernel. Output is flushed before each fork: whether the libc buffers lines or
// blocks depends on what standard output is, and a child would print its parent's buffer again.

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "nonce.h"

enum { WORDS = 1000, LARGE_BYTES = 1 << 20, THREADS = 4, INCREMENTS = 100, ROUNDS = 10, CHILD_STATUS = 7 };

static void formats(void) {
    printf("formats: %d %5u|%-5s|%#x %s\n", -1, 42u, "left", 255u, "end");
    printf("numbers: %.3f %g %e\n", 3.14159, 0.1 + 0.2, 1e100);
    double product = 1;
    for (int factor = 1; factor <= 20; factor++)
        product *= factor;
    printf("20! = %.0f\n", product);
}

static int by_value(const void *left, const void *right) {
    int a = *(const int *)left, b = *(const int *)right;
    return (a > b) - (a < b);
}

static void memory(void) {
    int *words = malloc(WORDS * sizeof *words);
    unsigned value = 1;
    for (int index = 0; index < WORDS; index++) {
        value = value * 1103515245 + 12345;
        words[index] = (int)(value >> 16);
    }
    qsort(words, WORDS, sizeof *words, by_value);
    int sorted = 1;
    for (int index = 1; index < WORDS; index++)
        sorted &= words[index - 1] <= words[index];
    printf("sorted: %d\n", sorted);

    // So much that the libc maps it instead of growing the heap.
    char *large = malloc(LARGE_BYTES);
    memset(large, 'x', LARGE_BYTES);
    large = realloc(large, 2 * LARGE_BYTES);
    printf("large: %c %c\n", large[0], large[LARGE_BYTES - 1]);
    memmove(large + 1, large, LARGE_BYTES);
    printf("moved: %d\n", memcmp(large, large + 1, LARGE_BYTES - 1));
    free(large);
    free(words);
}

static void processes(void) {
    int shared_by_nobody = 1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        shared_by_nobody = 2;
        printf("child: %d, parent known: %d\n", shared_by_nobody, getppid() > 0);
        exit(CHILD_STATUS);
    }
    int status = 0;
    pid_t ended = waitpid(child, &status, 0);
    printf("parent: %d, child ended: %d, status %d\n", shared_by_nobody, ended == child, WEXITSTATUS(status));
    errno = 0;
    wait(NULL);
    printf("no more children: %d\n", errno == ECHILD);

    fflush(stdout);
    child = fork();
    if (child == 0)
        abort();
    waitpid(child, &status, 0);
    printf("abort: signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_taken = PTHREAD_COND_INITIALIZER;
static int counter;
static int turns;
static __thread int own_counter;

static void *count(void *unused) {
    (void)unused;
    for (int index = 0; index < INCREMENTS; index++) {
        pthread_mutex_lock(&lock);
        counter++;
        pthread_mutex_unlock(&lock);
        own_counter++;
    }
    return (void *)(long)own_counter;
}

// Takes every second turn, the even ones or the odd ones.
static void *take_turns(void *parity) {
    pthread_mutex_lock(&lock);
    for (int round = 0; round < ROUNDS; round++) {
        while (turns % 2 != (int)(long)parity)
            pthread_cond_wait(&turn_taken, &lock);
        turns++;
        pthread_cond_signal(&turn_taken);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void threads(void) {
    pthread_t counters[THREADS];
    long own = 0;
    for (int index = 0; index < THREADS; index++)
        pthread_create(&counters[index], NULL, count, NULL);
    for (int index = 0; index < THREADS; index++) {
        void *result = NULL;
        pthread_join(counters[index], &result);
        own += (long)result;
    }
    printf("threads: %d together, %ld alone, %d in the first\n", counter, own, own_counter);

    pthread_t other;
    pthread_create(&other, NULL, take_turns, (void *)1L);
    take_turns((void *)0L);
    pthread_join(other, NULL);
    printf("turns: %d\n", turns);
}

static void times(void) {
    struct timespec before, after, duration = {.tv_nsec = 20 * 1000 * 1000};
    clock_gettime(CLOCK_MONOTONIC, &before);
    int slept = nanosleep(&duration, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long passed = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
    printf("slept: %d, long enough: %d\n", slept, passed >= duration.tv_nsec);
}

int main(int argc, char **argv, char **environment) {
    char line[NONCE_LINE_BYTES];
    int length = nonce_line((const char *const *)environment, line);
    fwrite(line, 1, (size_t)length, stdout);
    printf("%s, arguments: %d\n", argv[0], argc - 1);
    formats();
    memory();
    processes();
    threads();
    times();
    return 0;
}
