// Functions and constants that Swift's modules of the C library lack. Nothing else.
#pragma once
#include <errno.h>
#include <stdbool.h>
#ifdef __APPLE__
#include <stdio.h>
#endif
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#endif

// pread(2) that never waits for a disk. Fails with EAGAIN if it would have to wait, and with EOPNOTSUPP or ENOSYS if
// the file system or the kernel does not support this. https://man7.org/linux/man-pages/man2/preadv2.2.html
static inline ssize_t csystemcalls_pread_nowait(int descriptor, void *bytes, size_t count, off_t offset) {
#if defined(__linux__) && defined(SYS_preadv2)
    struct iovec vector = {bytes, count};
    unsigned long long position = (unsigned long long)offset;
    const int nowait = 0x00000008; // RWF_NOWAIT of <linux/fs.h>
    // The kernel takes the position as two words. On 64-bit systems the first holds all of it.
    return syscall(SYS_preadv2, descriptor, &vector, 1UL, (unsigned long)position,
                   (unsigned long)(position >> 16 >> 16), nowait);
#else
    (void)descriptor, (void)bytes, (void)count, (void)offset;
    errno = ENOSYS;
    return -1;
#endif
}

// Whether an open file is in memory: in a tmpfs, where pread_nowait is not supported. May block.
// https://man7.org/linux/man-pages/man2/statfs.2.html
static inline bool csystemcalls_is_in_memory(int descriptor) {
#ifdef __linux__
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 && status.f_type == 0x01021994; // TMPFS_MAGIC of <linux/magic.h>
#else
    (void)descriptor;
    return false;
#endif
}

// Renames a file unless the new name exists: renameat2(2) with RENAME_NOREPLACE, renameatx_np(2) of macOS. Fails with EEXIST
// if it does, and with EINVAL, ENOSYS or ENOTSUP if the file system or the kernel does not support this.
static inline int csystemcalls_rename_exclusively(int from_directory, const char *from, int to_directory, const char *to) {
#if defined(__linux__) && defined(SYS_renameat2)
    const unsigned int noreplace = 1; // RENAME_NOREPLACE of <linux/fs.h>
    return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, noreplace);
#elif defined(__APPLE__)
    return renameatx_np(from_directory, from, to_directory, to, RENAME_EXCL);
#else
    (void)from_directory, (void)from, (void)to_directory, (void)to;
    errno = ENOSYS;
    return -1;
#endif
}

// openat2(2) of Linux 5.6. Fails with ENOSYS where there is no such call.
// https://man7.org/linux/man-pages/man2/openat2.2.html
static inline int csystemcalls_openat2(int directory, const char *path, int flags, unsigned int resolve) {
#if defined(__linux__) && defined(SYS_openat2)
    // struct open_how of <linux/openat2.h>.
    const struct { unsigned long long flags, mode, resolve; } how = {(unsigned int)flags, 0, resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
#else
    (void)directory, (void)path, (void)flags, (void)resolve;
    errno = ENOSYS;
    return -1;
#endif
}

// Opens what a path leads to below a directory, without following any symbolic link.
static inline int csystemcalls_open_beneath(int directory, const char *path, int flags) {
    // RESOLVE_NO_SYMLINKS and RESOLVE_BENEATH of <linux/openat2.h>.
    return csystemcalls_openat2(directory, path, flags, 0x04 | 0x08);
}

// Finds the device of a file, as stat(2) gives it, without ever waiting for a file system: with RESOLVE_CACHED (Linux
// 5.12), O_PATH and AT_STATX_DONT_SYNC. Returns 0; or -1 with EAGAIN if the kernel does not have the whole path in its
// cache, and with other errors of openat2(2) and statx(2). https://man7.org/linux/man-pages/man2/statx.2.html
static inline int csystemcalls_cached_device(const char *path, unsigned long long *device) {
#if defined(__linux__) && defined(SYS_statx)
    // <fcntl.h> would define struct stat, which Swift takes from other modules.
    const int current_folder = -100, path_only = 010000000, close_on_exec = 02000000; // AT_FDCWD, O_PATH, O_CLOEXEC
    const unsigned int cached = 0x20; // RESOLVE_CACHED of <linux/openat2.h>
    const int descriptor = csystemcalls_openat2(current_folder, path, path_only | close_on_exec, cached);
    if (descriptor < 0) return -1;
    // struct statx of <linux/stat.h>.
    struct { char others[136]; unsigned int major, minor; char more[112]; } status;
    // AT_EMPTY_PATH, AT_STATX_DONT_SYNC; the device is always given.
    const int result = (int)syscall(SYS_statx, descriptor, "", 0x1000 | 0x4000, 0, &status);
    close(descriptor);
    if (result == 0) *device = makedev(status.major, status.minor);
    return result;
#else
    (void)path, (void)device;
    errno = ENOSYS;
    return -1;
#endif
}

// Exchanges the names of two files in one step: renameat2(2) with RENAME_EXCHANGE, renameatx_np(2) of macOS. Fails with
// EINVAL, ENOSYS or ENOTSUP if the file system or the kernel does not support this.
static inline int csystemcalls_rename_exchanging(int from_directory, const char *from, int to_directory, const char *to) {
#if defined(__linux__) && defined(SYS_renameat2)
    const unsigned int exchange = 2; // RENAME_EXCHANGE of <linux/fs.h>
    return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, exchange);
#elif defined(__APPLE__)
    return renameatx_np(from_directory, from, to_directory, to, RENAME_SWAP);
#else
    (void)from_directory, (void)from, (void)to_directory, (void)to;
    errno = ENOSYS;
    return -1;
#endif
}

// Starts to write the cached bytes of a file to the disk, from an offset to the end, without waiting for that.
// sync_file_range(2), only where the system call takes 64-bit positions in one word each.
static inline void csystemcalls_start_writeback(int descriptor, off_t offset) {
#if defined(__linux__) && defined(SYS_sync_file_range) && defined(__LP64__)
    const unsigned int write = 2; // SYNC_FILE_RANGE_WRITE of <fcntl.h>
    (void)syscall(SYS_sync_file_range, descriptor, offset, (off_t)0, write);
#else
    (void)descriptor, (void)offset;
#endif
}

// Swift sees Glibc's MSG_DONTWAIT only in files that import another module which includes its header.
static const int csystemcalls_msg_dontwait = MSG_DONTWAIT;
