internal import Platform
internal import Synchronization

/// Runs jobs that may block, on disks for example, on threads of its own: those of the cooperative pool are only as many as
/// the machine has cores.
///
/// A limited number of jobs runs at a time. The others wait in order, and idle threads end. A job that runs longer than
/// 200 ms, on a file system that hangs for example, no longer occupies a slot: another thread runs the next job.
final class BlockingPool: Sendable {
    static let shared = BlockingPool(limit: 8)

    fileprivate typealias Job = @Sendable () -> Void

    fileprivate struct State {
        /// The jobs that occupy a slot, and when they began.
        var running: [UInt64: Instant] = [:]
        var lastID: UInt64 = 0
        var waiting: [Job] = []
        /// The index of the next job in `waiting`.
        var first = 0
        /// Whether a thread runs ``BlockingPool/freeSlots()``.
        var isWatched = false
    }

    /// How long a job may occupy a slot, in microseconds.
    private static let maximumSlotTime: UInt32 = 200_000

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
        if mustWatch { startThread { [self] in freeSlots() } }
    }

    private func start(_ job: @escaping Job, _ id: UInt64) {
        startThread { [self] in
            var next: (job: Job, id: UInt64)? = (job, id)
            while let current = next {
                current.job()
                // If the job has lost its slot, another thread has taken over.
                next = state.withLock { $0.running.removeValue(forKey: current.id) == nil ? nil : $0.next(limit) }
            }
        }
    }

    /// While jobs wait, takes the slots of those that run for too long, and starts waiting ones.
    private func freeSlots() {
        while true {
            usleep(Self.maximumSlotTime)
            let (begun, goesOn) = state.withLock { state -> ([(Job, UInt64)], Bool) in
                let time = Instant.now - .microseconds(Int64(Self.maximumSlotTime))
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

    /// Runs `body` on a new thread, or on the calling one if the system has no more threads.
    private func startThread(_ body: @escaping Job) {
        do throws(SystemError) {
            try NativeThread.start("http-blocking", body)
        } catch {
            body()
        }
    }
}

extension BlockingPool.State {
    /// Takes a slot for a job; nil if it must wait.
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

/// Runs blocking tasks on the threads of ``BlockingPool``.
final class BlockingExecutor: TaskExecutor {
    static let shared = BlockingExecutor()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        BlockingPool.shared.run { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
