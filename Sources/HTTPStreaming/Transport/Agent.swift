internal import Synchronization

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// A thread that drives a multi handle for the clients given to it. All others send it messages;
/// none waits for it but by suspending.
final class Agent: Sendable {
    private struct Inbox {
        var messages: [Message] = []
        /// Whether the thread waits, or is about to.
        var isWaiting = false
    }

    private let wakeUp: Poller.WakeUp
    private let inbox = Mutex(Inbox())
    private let lastConnection = Atomic<UInt64>(0)

    /// Starts the thread, which lives as long as the process.
    init() throws(ClientError) {
        let multi = try MultiHandle()
        wakeUp = multi.wakeUp
        try Self.startThread(AgentLoop(self, multi))
    }

    func claimConnection() -> UInt64 {
        lastConnection.add(1, ordering: .relaxed).newValue
    }

    /// From any thread; never blocks for longer than it takes to add to a list.
    func post(_ message: Message) {
        let mustWake = inbox.withLock { inbox in
            inbox.messages.append(message)
            defer { inbox.isWaiting = false }
            return inbox.isWaiting
        }
        if mustWake { wakeUp() }
    }

    /// For the agent's thread: all messages since the last call.
    func takeMessages() -> [Message] {
        inbox.withLock { inbox in
            inbox.isWaiting = false
            defer { inbox.messages = [] }
            return inbox.messages
        }
    }

    /// For the agent's thread: whether there is no message, so that it may wait; whoever posts the next
    /// one wakes it then.
    func mayWait() -> Bool {
        inbox.withLock { inbox in
            inbox.isWaiting = inbox.messages.isEmpty
            return inbox.isWaiting
        }
    }

    /// Hands the loop over to a new thread: nobody else has it from then on.
    private static func startThread(_ loop: consuming AgentLoop) throws(ClientError) {
        // The thread inherits a full mask: signals are for the process's own threads, and a
        // SIGPIPE from within a TLS library stays without effect.
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        #if canImport(Darwin)
        var thread: pthread_t?
        #else
        var thread = pthread_t()
        #endif
        let context = retained(loop)
        let code = pthread_create(&thread, nil, { AgentLoop.run($0) }, context)
        guard code == 0 else {
            release(context)
            throw ClientError(.transport, "no thread could be started", underlying: SystemError(code: code))
        }
    }
}
