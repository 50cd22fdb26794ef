internal import Synchronization

/// Limits the memory that the buffers of all running transfers take together. Demands that do not fit wait in a queue,
/// first in, first out. A transfer holds no memory while it waits, so waiting transfers cannot block each other.
final class BufferBudget: Sendable {
    /// The least memory, in bytes, that a transfer starts with, unless its body is shorter.
    static let leastUpload = 64 << 10

    /// A quarter of the budget is divided among the present clients. The rest is for later ones, because a transfer keeps
    /// its memory until it ends.
    private static let shareDivisor = 4

    /// A place in the queue.
    struct Ticket: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    enum Outcome {
        case granted(BufferGrant)
        case waiting(Ticket)
    }

    private struct State {
        var limit: Int
        var used = 0
        var peak = 0
        var queue: [(ticket: Ticket, demand: BufferDemand, onGrant: @Sendable (BufferGrant) -> Void)] = []
        var lastTicket: UInt64 = 0

        /// Takes bytes for a demand, and returns how many; nil if it must wait.
        mutating func take(_ demand: BufferDemand, share: Int) -> Int? {
            // A demand for more than the whole budget gets the whole budget.
            let least = min(demand.least, limit)
            guard used + least <= limit else { return nil }
            let bytes = max(least, min(demand.most, share, limit - used))
            used += bytes
            peak = max(peak, used)
            return bytes
        }
    }

    private let state: Mutex<State>
    private let clientCount: @Sendable () -> Int

    /// - Parameter clientCount: the number of clients that share the budget.
    init(limit: Int, clientCount: @escaping @Sendable () -> Int) {
        state = Mutex(State(limit: limit))
        self.clientCount = clientCount
    }

    /// In bytes, at least 64 KiB. Lowering it does not affect memory that has been granted.
    var limit: Int {
        get { state.withLock { $0.limit } }
        set {
            state.withLock { $0.limit = max(newValue, Self.leastUpload) }
            serveQueue()
        }
    }

    /// Bytes that are granted now.
    var used: Int { state.withLock { $0.used } }

    /// The highest value of ``used`` so far.
    var peak: Int { state.withLock { $0.peak } }

    /// The number of demands that wait.
    var waitingCount: Int { state.withLock { $0.queue.count } }

    /// The most bytes that one client gets at present, unless it cannot start with less.
    var share: Int { limit / Self.shareDivisor / max(1, clientCount()) & ~4095 }

    /// Requests memory. A demand of zero bytes never waits.
    ///
    /// - Parameter onGrant: called on any thread when a demand that had to wait is granted.
    func take(_ demand: BufferDemand, onGrant: @escaping @Sendable (BufferGrant) -> Void) -> Outcome {
        let share = share
        return state.withLock { state in
            let mustWait = !state.queue.isEmpty && demand.least > 0
            if !mustWait, let bytes = state.take(demand, share: share) { return .granted(BufferGrant(bytes, of: self)) }
            state.lastTicket += 1
            let ticket = Ticket(number: state.lastTicket)
            state.queue.append((ticket, demand, onGrant))
            return .waiting(ticket)
        }
    }

    /// Removes a demand from the queue. Has no effect if it has been granted: the grant's holder releases it.
    func withdraw(_ ticket: Ticket) {
        state.withLock { state in state.queue.removeAll { $0.ticket == ticket } }
        // The next demands in the queue may be smaller.
        serveQueue()
    }

    /// Returns the bytes of a ``BufferGrant``.
    func giveBack(_ bytes: Int) {
        guard bytes > 0 else { return }
        state.withLock { $0.used -= bytes }
        serveQueue()
    }

    private func serveQueue() {
        let share = share
        let served = state.withLock { state in
            var served: [(onGrant: @Sendable (BufferGrant) -> Void, bytes: Int)] = []
            while served.count < state.queue.count,
                let bytes = state.take(state.queue[served.count].demand, share: share)
            {
                served.append((state.queue[served.count].onGrant, bytes))
            }
            state.queue.removeFirst(served.count)
            return served
        }
        for (onGrant, bytes) in served { onGrant(BufferGrant(bytes, of: self)) }
    }
}

/// The bytes that a transfer requests for its buffers.
struct BufferDemand: Equatable, Sendable {
    /// The transfer cannot start with less.
    var least: Int
    /// The transfer cannot use more.
    var most: Int

    static let none = BufferDemand(least: 0, most: 0)

    static func + (first: BufferDemand, second: BufferDemand) -> BufferDemand {
        BufferDemand(least: first.least + second.least, most: first.most + second.most)
    }
}

/// Memory that a transfer may use for its buffers. It is returned when the last reference is released.
final class BufferGrant: Sendable {
    let bytes: Int
    private let budget: BufferBudget

    /// To be called by the budget only, after it has counted the bytes.
    init(_ bytes: Int, of budget: BufferBudget) {
        self.bytes = bytes
        self.budget = budget
    }

    deinit { budget.giveBack(bytes) }
}
