/* A disk that fills up, dawdles, and remembers what was really synced.
 *
 * For files that are opened for writing under BIRDDOG_SHIM_DIR (the shared memory of SQLite, -shm, is no file for
 * this purpose):
 *  - BIRDDOG_SHIM_DISK names a file with two numbers, read again at most every 10 ms: how many bytes files may still
 *    grow, counted from the process' start (-1: no limit), and by how many milliseconds a sync takes longer.
 *  - BIRDDOG_SHIM_LOG names a file to which everything is appended that a power loss could undo, in order, and what is
 *    written to standard output. recorder.rs reads it; the format is `struct record`, then name, new name and data.
 * Not seen: writes through mmap, and copies within the kernel; the store does neither. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 4096
#define REREAD_NANOS 10000000LL
#define REAL(name) ((typeof(&name))real_of(&real_##name, #name))
#define SLOT(name) static _Atomic(void *) real_##name

SLOT(openat); SLOT(close); SLOT(write); SLOT(pwrite); SLOT(ftruncate);
SLOT(fsync); SLOT(fdatasync); SLOT(rename); SLOT(unlink); SLOT(lseek);

/* What is known of a descriptor: nothing, a file, or a folder (whose sync makes names durable). */
enum { UNKNOWN, PLAIN, FOLDER };
static _Atomic char kind_of[FILES_MAX];
static _Atomic uint64_t inode_of[FILES_MAX];
static pthread_mutex_t in_order = PTHREAD_MUTEX_INITIALIZER;

struct record {
    char magic[4];        /* BDR1 */
    uint8_t op;           /* C create, W write, T truncate, S sync, U unlink, R rename, O standard output */
    uint8_t name_bytes;
    uint16_t new_name_bytes;
    uint32_t data_bytes;
    uint32_t unused;
    uint64_t inode;
    uint64_t at;          /* W: offset; T: length; S: bytes of the log when the sync began */
};

static void *real_of(_Atomic(void *) *slot, const char *name) {
    void *known = atomic_load(slot);
    if (!known) {
        known = dlsym(RTLD_NEXT, name);
        atomic_store(slot, known);
    }
    return known;
}

static int log_file(void) {
    static _Atomic int file = -2;
    int known = atomic_load(&file);
    if (known == -2) {
        const char *path = getenv("BIRDDOG_SHIM_LOG");
        known = path ? syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
        atomic_store(&file, known);
    }
    return known;
}

static uint64_t log_bytes(void) {
    struct stat now;
    return log_file() >= 0 && fstat(log_file(), &now) == 0 ? (uint64_t)now.st_size : 0;
}

/* Appends a whole record; the caller holds `in_order`. */
static void append(struct record head, const char *name, const char *new_name, const void *data) {
    if (log_file() < 0)
        return;
    memcpy(head.magic, "BDR1", 4);
    head.name_bytes = name ? strlen(name) : 0;
    head.new_name_bytes = new_name ? strlen(new_name) : 0;
    size_t bytes = sizeof head + head.name_bytes + head.new_name_bytes + head.data_bytes;
    char *whole = malloc(bytes), *end = whole;
    if (!whole)
        abort();
    end = mempcpy(end, &head, sizeof head);
    end = mempcpy(end, name ? name : "", head.name_bytes);
    end = mempcpy(end, new_name ? new_name : "", head.new_name_bytes);
    mempcpy(end, data ? data : "", head.data_bytes);
    if (syscall(SYS_write, log_file(), whole, bytes) != (long)bytes)
        abort();
    free(whole);
}

/* The part of `path` below the watched folder; NULL for all others, and for -shm. */
static const char *below(const char *path) {
    const char *folder = getenv("BIRDDOG_SHIM_DIR");
    size_t bytes = folder ? strlen(folder) : 0, length = strlen(path);
    if (!bytes || strncmp(path, folder, bytes) || path[bytes] != '/')
        return NULL;
    return length > 4 && !strcmp(path + length - 4, "-shm") ? NULL : path + bytes + 1;
}

static void opened(int file, const char *path, int flags, int existed) {
    struct stat now;
    char real_path[4096] = {0}, link[64];
    if (file < 0 || file >= FILES_MAX || fstat(file, &now))
        return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (readlink(link, real_path, sizeof real_path - 1) < 0)
        snprintf(real_path, sizeof real_path, "%s", path);
    const char *folder = getenv("BIRDDOG_SHIM_DIR"), *name = below(real_path);
    if (folder && S_ISDIR(now.st_mode) && !strcmp(real_path, folder)) {
        atomic_store(&kind_of[file], FOLDER);
        return;
    }
    if (!name || !S_ISREG(now.st_mode) || (flags & O_ACCMODE) == O_RDONLY)
        return;
    atomic_store(&inode_of[file], now.st_ino);
    atomic_store(&kind_of[file], PLAIN);
    pthread_mutex_lock(&in_order);
    if (!existed)
        append((struct record){.op = 'C', .inode = now.st_ino}, name, NULL, NULL);
    else if (flags & O_TRUNC)
        append((struct record){.op = 'T', .inode = now.st_ino}, NULL, NULL, NULL);
    pthread_mutex_unlock(&in_order);
}

int openat(int folder, const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    int existed = faccessat(folder, path, F_OK, 0) == 0, kept = errno;
    errno = kept;
    int file = REAL(openat)(folder, path, flags, mode);
    kept = errno;
    opened(file, path, flags, existed);
    errno = kept;
    return file;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return openat(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int folder, const char *path, int flags, ...) __attribute__((alias("openat")));

int close(int file) {
    if (file >= 0 && file < FILES_MAX)
        atomic_store(&kind_of[file], UNKNOWN);
    return REAL(close)(file);
}

static int is(int file, int kind) {
    return file >= 0 && file < FILES_MAX && atomic_load(&kind_of[file]) == kind;
}

static void control(long long *grow_max, long long *sync_ms) {
    static _Atomic(long long) grow = -1, slow, read_at;
    const char *path = getenv("BIRDDOG_SHIM_DISK");
    *grow_max = -1, *sync_ms = 0;
    if (!path)
        return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long nanos = now.tv_sec * 1000000000LL + now.tv_nsec, before = atomic_load(&read_at);
    if (nanos - before >= REREAD_NANOS && atomic_compare_exchange_strong(&read_at, &before, nanos)) {
        char text[64] = {0};
        int file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            long long g = -1, s = 0;
            syscall(SYS_read, file, text, sizeof text - 1);
            syscall(SYS_close, file);
            if (sscanf(text, "%lld %lld", &g, &s) == 2)
                atomic_store(&grow, g), atomic_store(&slow, s);
        }
    }
    *grow_max = atomic_load(&grow), *sync_ms = atomic_load(&slow);
}

/* False with ENOSPC when the file would grow, and there is no room. Blocks that are there can be written again. */
static int has_room(int file, off_t end) {
    static _Atomic(long long) grown;
    long long grow_max, sync_ms;
    struct stat now;
    control(&grow_max, &sync_ms);
    long long growth = fstat(file, &now) ? 0 : end - now.st_size;
    if (growth <= 0)
        return 1;
    if (grow_max >= 0 && atomic_load(&grown) + growth > grow_max) {
        errno = ENOSPC;
        return 0;
    }
    atomic_fetch_add(&grown, growth);
    return 1;
}

ssize_t pwrite(int file, const void *data, size_t bytes, off_t at) {
    if (!is(file, PLAIN))
        return REAL(pwrite)(file, data, bytes, at);
    pthread_mutex_lock(&in_order);
    ssize_t done = has_room(file, at + bytes) ? REAL(pwrite)(file, data, bytes, at) : -1;
    int kept = errno;
    if (done > 0)
        append((struct record){.op = 'W', .inode = inode_of[file], .at = at, .data_bytes = done}, NULL, NULL, data);
    pthread_mutex_unlock(&in_order);
    errno = kept;
    return done;
}

ssize_t pwrite64(int file, const void *data, size_t bytes, off_t at) __attribute__((alias("pwrite")));

ssize_t write(int file, const void *data, size_t bytes) {
    if (file == STDOUT_FILENO && log_file() >= 0) {
        pthread_mutex_lock(&in_order);
        ssize_t done = REAL(write)(file, data, bytes);
        int kept = errno;
        if (done > 0)
            append((struct record){.op = 'O', .data_bytes = done}, NULL, NULL, data);
        pthread_mutex_unlock(&in_order);
        errno = kept;
        return done;
    }
    if (!is(file, PLAIN))
        return REAL(write)(file, data, bytes);
    pthread_mutex_lock(&in_order);
    struct stat now;
    off_t at = REAL(lseek)(file, 0, SEEK_CUR);
    if (fcntl(file, F_GETFL) & O_APPEND && fstat(file, &now) == 0)
        at = now.st_size;
    ssize_t done = has_room(file, at + bytes) ? REAL(write)(file, data, bytes) : -1;
    int kept = errno;
    if (done > 0)
        append((struct record){.op = 'W', .inode = inode_of[file], .at = at, .data_bytes = done}, NULL, NULL, data);
    pthread_mutex_unlock(&in_order);
    errno = kept;
    return done;
}

int ftruncate(int file, off_t length) {
    if (!is(file, PLAIN))
        return REAL(ftruncate)(file, length);
    pthread_mutex_lock(&in_order);
    int done = has_room(file, length) ? REAL(ftruncate)(file, length) : -1;
    int kept = errno;
    if (done == 0)
        append((struct record){.op = 'T', .inode = inode_of[file], .at = length}, NULL, NULL, NULL);
    pthread_mutex_unlock(&in_order);
    errno = kept;
    return done;
}

int ftruncate64(int file, off_t length) __attribute__((alias("ftruncate")));

static int sync_with(int file, int (*real)(int)) {
    if (!is(file, PLAIN) && !is(file, FOLDER))
        return real(file);
    long long grow_max, sync_ms;
    control(&grow_max, &sync_ms);
    /* What is written while the sync runs may be missed by it. */
    uint64_t begun = log_bytes();
    if (sync_ms > 0) {
        struct timespec pause = {sync_ms / 1000, sync_ms % 1000 * 1000000};
        nanosleep(&pause, NULL);
    }
    int done = real(file), kept = errno;
    if (done == 0) {
        pthread_mutex_lock(&in_order);
        uint64_t inode = is(file, PLAIN) ? atomic_load(&inode_of[file]) : 0;
        append((struct record){.op = 'S', .inode = inode, .at = begun}, NULL, NULL, NULL);
        pthread_mutex_unlock(&in_order);
    }
    errno = kept;
    return done;
}

int fsync(int file) { return sync_with(file, REAL(fsync)); }
int fdatasync(int file) { return sync_with(file, REAL(fdatasync)); }

int rename(const char *from, const char *to) {
    pthread_mutex_lock(&in_order);
    int done = REAL(rename)(from, to), kept = errno;
    if (done == 0 && below(from) && below(to))
        append((struct record){.op = 'R'}, below(from), below(to), NULL);
    pthread_mutex_unlock(&in_order);
    errno = kept;
    return done;
}

int unlink(const char *path) {
    pthread_mutex_lock(&in_order);
    int done = REAL(unlink)(path), kept = errno;
    if (done == 0 && below(path))
        append((struct record){.op = 'U'}, below(path), NULL, NULL);
    pthread_mutex_unlock(&in_order);
    errno = kept;
    return done;
}
