/// A thread of the system, for work that may not run on the threads that all tasks share.
package enum NativeThread {
    /// The argument of the new thread.
    private final class Start {
        let body: () -> Void

        init(_ body: @escaping () -> Void) { self.body = body }
    }

    /// Runs `body` on a new thread that ends with it. All signals are blocked there: they are for the threads of the
    /// process itself, and a SIGPIPE from within a TLS library has no effect.
    ///
    /// - Parameters:
    ///   - name: shown by debuggers and `top`; 15 bytes at most.
    ///   - body: moves to the new thread with everything it captures.
    package static func start(_ name: String, _ body: sending @escaping () -> Void) throws(SystemError) {
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
        // It is never joined.
        #if canImport(Darwin)
        if let thread { pthread_detach(thread) }
        #else
        pthread_detach(thread)
        #endif
    }

    /// Runs `body` with all signals blocked, as on a thread of ``start(_:_:)``, and discards a SIGPIPE that it raised.
    package static func withSignalsBlocked<Result>(_ body: () -> Result) -> Result {
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &previous)
        // A signal that was not blocked before has been delivered by now.
        let wasPending = sigismember(&previous, SIGPIPE) == 1 && isPipePending
        defer {
            if !wasPending, isPipePending {
                var pipe = sigset_t()
                sigemptyset(&pipe)
                sigaddset(&pipe, SIGPIPE)
                #if os(Linux)
                // Another thread may have received it if it was sent to the process.
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

    /// Whether a blocked SIGPIPE waits for the calling thread or the process.
    private static var isPipePending: Bool {
        var pending = sigset_t()
        return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1
    }

    private static func run(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        object(context, as: Start.self)?.body()
        if let context { release(context) }
        return nil
    }

    /// Names the calling thread; without effect where that fails.
    private static func setName(_ name: String) {
        #if canImport(Darwin)
        pthread_setname_np(name)
        #else
        // <pthread.h> declares pthread_setname_np only for _GNU_SOURCE, which Swift's importer does not define.
        // https://man7.org/linux/man-pages/man5/proc_pid_comm.5.html
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = write(file, name, name.utf8.count)
        _ = close(file)
        #endif
    }
}
