internal import Synchronization

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
        do throws(SystemError) {
            let loop = AgentLoop(self, multi)
            // Nobody else has it from then on.
            try NativeThread.start("http-streaming") { loop.run() }
        } catch {
            throw ClientError(.transport, "no thread could be started", underlying: error)
        }
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
}
