internal import Platform
internal import Synchronization

/// Drives a multi handle for the clients given to it, on a thread that waits for their sockets. All others send
/// it messages; none waits for it but by suspending.
///
/// Between two things that happen the thread sleeps, and waking it takes as long as a short request. Who has
/// something for it to do then may do it himself, in its place: see ``post(_:takingTurn:)``.
final class Agent: Sendable {
    private struct Inbox {
        var messages: [Message] = []
        /// Whether the thread waits, or is about to.
        var isWaiting = false
    }

    /// What one thread at a time has, and never while it waits.
    private struct Work: ~Copyable {
        let loop: AgentLoop
        /// When the thread wakes by itself; nil if not at all.
        private var wakesAt: Instant?
        private var alarm: Instant?

        init(_ loop: AgentLoop) { self.loop = loop }

        /// For the agent's thread: does what there is to do.
        ///
        /// - Returns: until when to wait then; nil for ever.
        mutating func turn(_ events: [Poller.Event]) -> Instant? {
            let time = loop.turn(events)
            // It has gone off.
            if let alarm, alarm <= .now { self.alarm = nil }
            wakesAt = .earlier(time, alarm)
            return time
        }

        /// For any other: does what there is to do while the thread waits.
        ///
        /// - Returns: whether it may go on waiting.
        mutating func turn(besides poller: Poller) -> Bool {
            guard let time = loop.turn(nil) else { return true }
            guard time > .now else { return false }
            if let wakesAt, wakesAt <= time { return true }
            poller.setAlarm(at: time)
            alarm = time
            wakesAt = time
            return true
        }
    }

    private let poller: Poller
    private let inbox = Mutex(Inbox())
    /// Nil before there is a thread.
    private let work = Mutex<Work?>(nil)
    private let lastConnection = Atomic<UInt64>(0)

    /// Starts the thread, which lives as long as the process.
    ///
    /// - Parameter number: of this agent in the process, from 1 on; part of its thread's name.
    init(number: Int) throws(ClientError) {
        do throws(SystemError) {
            poller = try Poller()
        } catch {
            throw ClientError(.transport, "nothing can be waited for", underlying: error)
        }
        try work.withLock { work throws(ClientError) in
            work = Work(AgentLoop(self, try MultiHandle(poller)))
        }
        do throws(SystemError) {
            try NativeThread.start("http-stream-\(number)") { self.run() }
        } catch {
            // It refers to this agent.
            work.withLock { $0 = nil }
            throw ClientError(.transport, "no thread could be started", underlying: error)
        }
    }

    /// The whole life of the thread.
    private func run() {
        var events: [Poller.Event] = []
        while true {
            let time = work.withLock { $0?.turn(events) }
            events = poller.wait(until: time)
        }
    }

    func claimConnection() -> UInt64 {
        lastConnection.add(1, ordering: .relaxed).newValue
    }

    /// From any thread; never blocks for longer than it takes to add to a list, or, taking a turn, for what this
    /// agent's transfers have to do just now.
    ///
    /// - Parameter takingTurn: whether the caller may do what there is to do if the agent's thread
    ///   sleeps: that of a task which is about to suspend, and holds no lock.
    func post(_ message: Message, takingTurn: Bool = false) {
        let isAsleep = inbox.withLock { inbox in
            inbox.messages.append(message)
            defer { inbox.isWaiting = false }
            return inbox.isWaiting
        }
        guard isAsleep else { return }
        if !takingTurn || !Self.mayTakeTurns || !takeTurn() { poller.wakeUp() }
    }

    /// Not where files are read in a turn, however long that takes: see ``FileSource``.
    private static var mayTakeTurns: Bool {
        #if os(Linux)
        true
        #else
        false
        #endif
    }

    /// Does in the thread's place what there is to do.
    ///
    /// - Returns: false if the thread must be woken.
    private func takeTurn() -> Bool {
        NativeThread.withSignalsBlocked {
            work.withLockIfAvailable { $0?.turn(besides: poller) ?? false } ?? false
        }
    }

    /// For whoever has a turn: all messages since the last call.
    func takeMessages() -> [Message] {
        inbox.withLock { inbox in
            inbox.isWaiting = false
            defer { inbox.messages = [] }
            return inbox.messages
        }
    }

    /// For whoever has a turn, at its end: whether there is no message. Whoever posts the next one sees to it then.
    func mayWait() -> Bool {
        inbox.withLock { inbox in
            inbox.isWaiting = inbox.messages.isEmpty
            return inbox.isWaiting
        }
    }
}
