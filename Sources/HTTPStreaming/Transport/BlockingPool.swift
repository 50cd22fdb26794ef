internal import Dispatch
internal import Synchronization

/// Threads for what may block, on disks for one: not those that all tasks share, which are as many as
/// there are cores.
///
/// A few jobs run at a time, the others wait in order: a thousand files are opened by a few threads.
/// But what takes longer than a disk does, as with a file system that hangs, holds nobody up: it is not counted
/// any more, and another begins.
final class BlockingPool: Sendable {
    static let shared = BlockingPool(limit: 8)

    fileprivate typealias Job = @Sendable () -> Void

    fileprivate struct State {
        /// Those that run and are counted, and since when.
        var running: [UInt64: ContinuousClock.Instant] = [:]
        var lastID: UInt64 = 0
        var waiting: [Job] = []
        /// The first of `waiting` that has not begun.
        var first = 0
    }

    /// How long a job may keep others waiting, in milliseconds.
    private static let patience = 200

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func run(_ job: @escaping @Sendable () -> Void) {
        let (id, isFirstToWait) = state.withLock { state -> (UInt64?, Bool) in
            if let id = state.begin(limit) { return (id, false) }
            state.waiting.append(job)
            return (nil, state.waiting.count - state.first == 1)
        }
        if let id { start(job, id) }
        if isFirstToWait { lookForStuck() }
    }

    /// A queue of its own takes a thread from Dispatch, however many others are blocked.
    private func start(_ job: @escaping Job, _ id: UInt64) {
        DispatchQueue(label: "http-streaming.blocking").async { [self] in
            job()
            let next = state.withLock { state -> (Job, UInt64)? in
                // Nobody waits for what is not counted any more.
                guard state.running.removeValue(forKey: id) != nil else { return nil }
                return state.next(limit)
            }
            if let next { start(next.0, next.1) }
        }
    }

    /// As long as anybody waits, looks now and then who keeps them waiting.
    private func lookForStuck() {
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(Self.patience)) { [self] in
            let (begun, goesOn) = state.withLock { state -> ([(Job, UInt64)], Bool) in
                let time = ContinuousClock.now - .milliseconds(Self.patience)
                state.running = state.running.filter { $0.value > time }
                var begun: [(Job, UInt64)] = []
                while let next = state.next(limit) { begun.append(next) }
                return (begun, !state.waiting.isEmpty)
            }
            for (job, id) in begun { start(job, id) }
            if goesOn { lookForStuck() }
        }
    }
}

extension BlockingPool.State {
    /// An ID for a job that may begin now; nil if it has to wait.
    fileprivate mutating func begin(_ limit: Int) -> UInt64? {
        guard running.count < limit else { return nil }
        lastID += 1
        running[lastID] = .now
        return lastID
    }

    fileprivate mutating func next(_ limit: Int) -> (@Sendable () -> Void, UInt64)? {
        guard first < waiting.count, let id = begin(limit) else { return nil }
        let job = waiting[first]
        first += 1
        if first == waiting.count {
            waiting = []
            first = 0
        }
        return (job, id)
    }
}
