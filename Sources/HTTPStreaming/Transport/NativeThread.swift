#if canImport(Darwin)
internal import Darwin
#elseif canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// A thread of the system's, for what may not be done on the threads that all tasks share.
enum NativeThread {
    /// What a new thread is handed.
    private final class Start {
        let body: () -> Void

        init(_ body: @escaping () -> Void) { self.body = body }
    }

    /// Runs `body` on a new thread, which ends with it, and has all signals blocked: they are for the
    /// process's own threads, and a SIGPIPE from within a TLS library stays without effect.
    ///
    /// - Parameters:
    ///   - name: what debuggers, `top` and those who count threads call it; 15 bytes at most.
    ///   - body: is the new thread's, whatever it holds.
    static func start(_ name: String, _ body: sending @escaping () -> Void) throws(SystemError) {
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        // The thread inherits a full mask.
        pthread_sigmask(SIG_SETMASK, &all, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        #if canImport(Darwin)
        var thread: pthread_t?
        #else
        var thread = pthread_t()
        #endif
        let context = retained(
            Start {
                setName(name)
                body()
            })
        let code = pthread_create(&thread, nil, { NativeThread.run($0) }, context)
        guard code == 0 else {
            release(context)
            throw SystemError(code: code)
        }
        // Nobody waits for its end.
        #if canImport(Darwin)
        if let thread { pthread_detach(thread) }
        #else
        pthread_detach(thread)
        #endif
    }

    /// Runs `body` as on such a thread: no signal interrupts what it does, and a SIGPIPE that comes of it is
    /// taken away again.
    static func withSignalsBlocked<Result>(_ body: () -> Result) -> Result {
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &previous)
        // What was not blocked has been delivered.
        let wasPending = sigismember(&previous, SIGPIPE) == 1 && isPipePending
        defer {
            if !wasPending, isPipePending {
                var pipe = sigset_t()
                sigemptyset(&pipe)
                sigaddset(&pipe, SIGPIPE)
                #if os(Linux)
                // Another thread may have taken it, if it was the process's.
                var noTime = timespec()
                sigtimedwait(&pipe, nil, &noTime)
                #else
                var signal: Int32 = 0
                sigwait(&pipe, &signal)
                #endif
            }
            pthread_sigmask(SIG_SETMASK, &previous, nil)
        }
        return body()
    }

    /// Whether the calling thread, or the process, has a SIGPIPE that is blocked.
    private static var isPipePending: Bool {
        var pending = sigset_t()
        return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1
    }

    private static func run(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        object(context, as: Start.self)?.body()
        if let context { release(context) }
        return nil
    }

    /// Names the calling thread. Where that fails, it stays as it was.
    private static func setName(_ name: String) {
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
