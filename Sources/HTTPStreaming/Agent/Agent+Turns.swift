internal import Platform
internal import Synchronization

// A thread that posts a message runs the agent's turn itself, if the agent's thread is waiting. Waking that thread takes
// about as long as a short request.
//
// `make bench-requests`: 1 KiB requests, one after another, go from 0.64 to 0.69 of the rate of curl_easy_perform.

extension Agent {
    /// The loop, and when the agent's thread wakes up.
    struct Work: ~Copyable {
        let loop: AgentLoop
        /// When the thread wakes up by itself; nil if it waits without a limit.
        private var wakesAt: Instant?
        private var alarm: Instant?

        init(_ loop: AgentLoop) { self.loop = loop }

        /// Runs a turn on the agent's thread.
        ///
        /// - Returns: how long the thread may wait then; nil for no limit.
        mutating func runTurn(_ events: [Poller.Event]) -> Instant? {
            let time = loop.runTurn(events)
            // The alarm has expired.
            if let alarm, alarm <= .now { self.alarm = nil }
            wakesAt = .earlier(time, alarm)
            return time
        }

        /// Runs a turn on another thread, while the agent's thread waits.
        ///
        /// - Returns: false if the agent's thread must be woken.
        fileprivate mutating func runTurn(besides poller: Poller) -> Bool {
            guard let time = loop.runTurn(nil) else { return true }
            guard time > .now else { return false }
            if let wakesAt, wakesAt <= time { return true }
            poller.setAlarm(at: time)
            alarm = time
            wakesAt = time
            return true
        }
    }

    /// Linux only: elsewhere a turn may block, because it reads files; see ``FileSource``.
    static var allowsTurnsOfCallers: Bool {
        #if os(Linux)
        true
        #else
        false
        #endif
    }

    /// Runs a turn on the calling thread, with signals blocked as they are on the agent's thread.
    ///
    /// - Returns: false if the agent's thread must be woken.
    func runTurn() -> Bool {
        NativeThread.withSignalsBlocked {
            work.withLockIfAvailable { $0?.runTurn(besides: poller) ?? false } ?? false
        }
    }
}
