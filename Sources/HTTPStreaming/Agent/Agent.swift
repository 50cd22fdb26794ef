internal import Platform
internal import Synchronization

/// Runs the transfers of its clients in one libcurl multi handle. Its thread waits for sockets, timers and messages, and
/// then runs a *turn* of the ``AgentLoop``. Turns are serialized by a lock. Other threads post messages, and tasks suspend
/// until the agent resumes them.
final class Agent: Sendable {
    private struct Inbox {
        var messages: [Message] = []
        /// Whether the agent's thread is waiting or about to wait.
        var isWaiting = false
    }

    let poller: Poller
    private let inbox = Mutex(Inbox())
    /// Nil until the thread is started.
    let work = Mutex<Work?>(nil)
    private let lastConnection = Atomic<UInt64>(0)

    /// Starts the thread, which lives as long as the process.
    ///
    /// - Parameter number: the agent's number in the process, from 1; part of the thread's name.
    init(number: Int) throws(ClientError) {
        do throws(SystemError) {
            poller = try Poller()
        } catch {
            throw ClientError(.transport, "the poller for sockets could not be created", underlying: error)
        }
        do throws(CurlError) {
            try work.withLock { work throws(CurlError) in
                work = Work(AgentLoop(self, try MultiHandle(poller)))
            }
        } catch {
            throw ClientError(error)
        }
        do throws(SystemError) {
            try NativeThread.start("http-stream-\(number)") { self.run() }
        } catch {
            // The loop refers to this agent.
            work.withLock { $0 = nil }
            throw ClientError(.transport, "the agent's thread could not be started", underlying: error)
        }
    }

    /// The body of the thread.
    private func run() {
        var events: [Poller.Event] = []
        while true {
            let time = work.withLock { $0?.runTurn(events) }
            events = poller.wait(until: time)
        }
    }

    func claimConnection() -> UInt64 {
        lastConnection.add(1, ordering: .relaxed).newValue
    }

    /// Sends a message, from any thread. Blocks only to append to a list, or for as long as a turn takes.
    ///
    /// - Parameter mayRunTurn: whether the calling thread may run a turn if the agent's thread is waiting. It must hold no
    ///   lock, and its task should be about to suspend.
    func post(_ message: Message, mayRunTurn: Bool = false) {
        let isWaiting = inbox.withLock { inbox in
            inbox.messages.append(message)
            defer { inbox.isWaiting = false }
            return inbox.isWaiting
        }
        guard isWaiting else { return }
        if !mayRunTurn || !Self.allowsTurnsOfCallers || !runTurn() { poller.wakeUp() }
    }

    /// All messages since the last call; to be called within a turn.
    func takeMessages() -> [Message] {
        inbox.withLock { inbox in
            inbox.isWaiting = false
            defer { inbox.messages = [] }
            return inbox.messages
        }
    }

    /// Whether there is no message; to be called at the end of a turn. If true, the next message wakes the thread.
    func mayWait() -> Bool {
        inbox.withLock { inbox in
            inbox.isWaiting = inbox.messages.isEmpty
            return inbox.isWaiting
        }
    }
}
