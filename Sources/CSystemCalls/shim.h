// Functions and constants that Swift's modules of the C library lack. Nothing else.
#pragma once
#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
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

// Swift sees Glibc's MSG_DONTWAIT only in files that import another module which includes its header.
static const int csystemcalls_msg_dontwait = MSG_DONTWAIT;
