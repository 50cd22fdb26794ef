#if canImport(Darwin)
internal import Darwin
#elseif canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// What debuggers, `top` and those who count threads call one.
enum ThreadName {
    /// Names the calling thread: 15 bytes at most. Where that fails, it stays as it was.
    static func set(_ name: String) {
        #if canImport(Darwin)
        pthread_setname_np(name)
        #else
        // <pthread.h> has pthread_setname_np for _GNU_SOURCE only, which Swift's importer does not set.
        // https://man7.org/linux/man-pages/man5/proc_pid_comm.5.html
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = write(file, name, name.utf8.count)
        _ = close(file)
        #endif
    }
}
