import NIOCore
import Synchronization

/// Runs the tasks of an event loop's connections on that loop: what has been read is parsed while it is still
/// in that core's cache, and no thread has to be woken in between.
///
/// SwiftNIO's loops look at their sockets only when nothing is left to run, so that tasks which always have more to
/// do would keep those from being served that wait. Hence for a moment only, then the sockets.
final class EventLoopExecutor: TaskExecutor {
    /// How long jobs run in a row.
    private static let turn = TimeAmount.milliseconds(2)
    /// Longer than the loop takes to look for what to run next: it would run this before its sockets.
    #if DEBUG
    private static let pause = TimeAmount.milliseconds(1)
    #else
    private static let pause = TimeAmount.microseconds(20)
    #endif

    private struct State {
        var jobs = CircularBuffer<UnownedJob>()
        /// Whether some are being run, or will be.
        var isRunning = false
    }

    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let begins = state.withLock { state in
            state.jobs.append(job)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if begins { eventLoop.execute { self.run() } }
    }

    private func run() {
        let end = NIODeadline.now() + Self.turn
        repeat {
            let job = state.withLock { state in
                let job = state.jobs.popFirst()
                state.isRunning = job != nil
                return job
            }
            guard let job else { return }
            job.runSynchronously(on: asUnownedTaskExecutor())
        } while NIODeadline.now() < end
        eventLoop.scheduleTask(in: Self.pause) { self.run() }
    }
}

/// An executor for each event loop.
final class EventLoopExecutors: Sendable {
    private let executors = Mutex<[ObjectIdentifier: EventLoopExecutor]>([:])

    func executor(of eventLoop: any EventLoop) -> EventLoopExecutor {
        executors.withLock { executors in
            let id = ObjectIdentifier(eventLoop)
            if let executor = executors[id] { return executor }
            let executor = EventLoopExecutor(eventLoop)
            executors[id] = executor
            return executor
        }
    }
}
