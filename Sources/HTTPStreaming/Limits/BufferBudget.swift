internal import Synchronization

/// The memory that the buffers of all transfers under way may take together. What does not fit waits
/// its turn, first come, first served, and never holds a part of what it waits for: what waits for
/// buffers keeps nobody from getting his.
final class BufferBudget: Sendable {
    static let shared = BufferBudget(limit: 64 << 20) { AgentPool.shared.clientCount }

    /// What a transfer begins with at least, if its body is not shorter.
    static let leastUpload = 64 << 10

    /// How much of the budget is divided among the clients there are: the rest is for those to come,
    /// since what a transfer has it keeps to its end.
    private static let sharedFraction = 4

    /// A place in the queue.
    struct Ticket: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    enum Outcome {
        case granted(BufferGrant)
        case waiting(Ticket)
    }

    private struct Place {
        let ticket: Ticket
        let demand: BufferDemand
        let onGrant: @Sendable (BufferGrant) -> Void
    }

    private struct State {
        var limit: Int
        var used = 0
        var peak = 0
        var queue: [Place] = []
        var lastTicket: UInt64 = 0

        /// Counts what is to be granted of this now; nil if it has to wait.
        mutating func take(_ demand: BufferDemand, share: Int) -> Int? {
            // What asks for more than all there is may have all there is.
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

    /// - Parameter clientCount: how many may want a share.
    init(limit: Int, clientCount: @escaping @Sendable () -> Int) {
        state = Mutex(State(limit: limit))
        self.clientCount = clientCount
    }

    /// Bytes, 64 KiB at least. What has been granted stays so when it becomes less.
    var limit: Int {
        get { state.withLock { $0.limit } }
        set {
            state.withLock { $0.limit = max(newValue, Self.leastUpload) }
            serveQueue()
        }
    }

    /// Bytes granted now.
    var used: Int { state.withLock { $0.used } }

    /// The most bytes that have been granted at a time since ``resetPeak()``.
    var peak: Int { state.withLock { $0.peak } }

    func resetPeak() { state.withLock { $0.peak = $0.used } }

    /// How many wait.
    var waitingCount: Int { state.withLock { $0.queue.count } }

    /// What each client there is may have, if it wants as much.
    var share: Int { share(of: limit) }

    private func share(of limit: Int) -> Int { limit / Self.sharedFraction / max(1, clientCount()) & ~4095 }

    /// Asks for memory; what asks for none gets that at once.
    ///
    /// - Parameter onGrant: called on any thread, where it had to wait.
    func take(_ demand: BufferDemand, onGrant: @escaping @Sendable (BufferGrant) -> Void) -> Outcome {
        let share = share
        let outcome = state.withLock { state -> Result<Int, Waits> in
            let mustWait = !state.queue.isEmpty && demand.least > 0
            if !mustWait, let bytes = state.take(demand, share: share) { return .success(bytes) }
            state.lastTicket += 1
            let ticket = Ticket(number: state.lastTicket)
            state.queue.append(Place(ticket: ticket, demand: demand, onGrant: onGrant))
            return .failure(Waits(ticket: ticket))
        }
        return switch outcome {
        case .success(let bytes): .granted(BufferGrant(bytes, of: self))
        case .failure(let waits): .waiting(waits.ticket)
        }
    }

    private struct Waits: Error { let ticket: Ticket }

    /// Leaves the queue. Has no effect on what has been granted: whoever gets that lets go of it.
    func withdraw(_ ticket: Ticket) {
        state.withLock { state in
            guard let index = state.queue.firstIndex(where: { $0.ticket == ticket }) else { return }
            state.queue.remove(at: index)
        }
        // Those behind it may want less.
        serveQueue()
    }

    /// Of a ``BufferGrant`` that is gone.
    func giveBack(_ bytes: Int) {
        guard bytes > 0 else { return }
        state.withLock { $0.used -= bytes }
        serveQueue()
    }

    private func serveQueue() {
        let share = share
        let served = state.withLock { state -> [(place: Place, bytes: Int)] in
            var served: [(Place, Int)] = []
            while served.count < state.queue.count,
                let bytes = state.take(state.queue[served.count].demand, share: share)
            {
                served.append((state.queue[served.count], bytes))
            }
            state.queue.removeFirst(served.count)
            return served
        }
        for (place, bytes) in served { place.onGrant(BufferGrant(bytes, of: self)) }
    }
}

/// What a transfer would take for its buffers.
struct BufferDemand: Equatable, Sendable {
    /// With less it does not begin.
    var least: Int
    /// More is of no use to it.
    var most: Int

    static let none = BufferDemand(least: 0, most: 0)

    static func + (first: BufferDemand, second: BufferDemand) -> BufferDemand {
        BufferDemand(least: first.least + second.least, most: first.most + second.most)
    }
}

/// Memory that one transfer may take for its buffers, until the last reference goes.
final class BufferGrant: Sendable {
    let bytes: Int
    private let budget: BufferBudget

    /// Only a budget makes one, which has counted it.
    init(_ bytes: Int, of budget: BufferBudget) {
        self.bytes = bytes
        self.budget = budget
    }

    deinit { budget.giveBack(bytes) }
}
