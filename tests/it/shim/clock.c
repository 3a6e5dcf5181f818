/* A wall clock that leaps: adds an offset in microseconds, read again from the file named by BIRDDOG_SHIM_CLOCK at
 * most every 10 ms, to CLOCK_REALTIME, gettimeofday and time. The monotonic clocks and the boot time stay true. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define REREAD_NANOS 10000000LL

typedef int clock_gettime_fn(clockid_t, struct timespec *);

static long long monotonic_nanos(clock_gettime_fn *real) {
    struct timespec now;
    real(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Raw system calls: the hooks of disk.c must not see this file. */
static long long read_number(const char *path) {
    char text[32] = {0};
    int file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    return atoll(text);
}

static long long offset_us(clock_gettime_fn *real) {
    static _Atomic(long long) offset, read_at;
    const char *path = getenv("BIRDDOG_SHIM_CLOCK");
    if (!path)
        return 0;
    long long now = monotonic_nanos(real), before = atomic_load(&read_at);
    if (now - before >= REREAD_NANOS && atomic_compare_exchange_strong(&read_at, &before, now))
        atomic_store(&offset, read_number(path));
    return atomic_load(&offset);
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    static _Atomic(clock_gettime_fn *) known;
    clock_gettime_fn *real = atomic_load(&known);
    if (!real) {
        real = (clock_gettime_fn *)dlsym(RTLD_NEXT, "clock_gettime");
        atomic_store(&known, real);
    }
    int done = real(clock, out);
    if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        long long micros = out->tv_sec * 1000000LL + out->tv_nsec / 1000 + offset_us(real);
        out->tv_sec = micros / 1000000;
        out->tv_nsec = micros % 1000000 * 1000 + out->tv_nsec % 1000;
    }
    return done;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}
