internal import Platform
internal import Synchronization

/// Threads for what may block, on disks for one: not those that all tasks share, which are as many as
/// there are cores.
///
/// A few jobs run at a time, the others wait in order: a thousand files are opened by a few threads, which end when
/// there is nothing more to do. But what takes longer than a disk does, as with a file system that hangs, holds
/// nobody up: it is not counted any more, and another thread begins.
final class BlockingPool: Sendable {
    static let shared = BlockingPool(limit: 8)

    fileprivate typealias Job = @Sendable () -> Void

    fileprivate struct State {
        /// Those that run and are counted, and since when.
        var running: [UInt64: Instant] = [:]
        var lastID: UInt64 = 0
        var waiting: [Job] = []
        /// The first of `waiting` that has not begun.
        var first = 0
        /// Whether a thread looks for what is stuck.
        var isWatched = false
    }

    /// How long a job may keep others waiting, in microseconds.
    private static let patience: UInt32 = 200_000

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func run(_ job: @escaping @Sendable () -> Void) {
        let (id, mustWatch) = state.withLock { state -> (UInt64?, Bool) in
            if let id = state.begin(limit) { return (id, false) }
            state.waiting.append(job)
            defer { state.isWatched = true }
            return (nil, !state.isWatched)
        }
        if let id { start(job, id) }
        if mustWatch { startThread { [self] in watch() } }
    }

    private func start(_ job: @escaping Job, _ id: UInt64) {
        startThread { [self] in
            var next: (job: Job, id: UInt64)? = (job, id)
            while let current = next {
                current.job()
                // Nobody waits for what is not counted any more.
                next = state.withLock { $0.running.removeValue(forKey: current.id) == nil ? nil : $0.next(limit) }
            }
        }
    }

    /// As long as anybody waits, looks now and then who keeps them waiting.
    private func watch() {
        while true {
            usleep(Self.patience)
            let (begun, goesOn) = state.withLock { state -> ([(Job, UInt64)], Bool) in
                let time = Instant.now - .microseconds(Int64(Self.patience))
                state.running = state.running.filter { $0.value > time }
                var begun: [(Job, UInt64)] = []
                while let next = state.next(limit) { begun.append(next) }
                state.isWatched = !state.waiting.isEmpty
                return (begun, state.isWatched)
            }
            for (job, id) in begun { start(job, id) }
            if !goesOn { return }
        }
    }

    /// Where the system has no thread left, the caller's has to do.
    private func startThread(_ body: @escaping Job) {
        do throws(SystemError) {
            try NativeThread.start("http-blocking", body)
        } catch {
            body()
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

    fileprivate mutating func next(_ limit: Int) -> (job: @Sendable () -> Void, id: UInt64)? {
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

/// Runs tasks that block on the threads of ``BlockingPool``.
final class BlockingExecutor: TaskExecutor {
    static let shared = BlockingExecutor()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        BlockingPool.shared.run { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
