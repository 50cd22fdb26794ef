// Exists for the figure of `make bench-server`: together with deferred flushes (DeferredFlushHandler.swift) it answers
// 0.94 to 0.97 of the requests per second of an empty Hummingbird route. See docs/ARCHITECTURE.md, "Turns".

import NIOCore
import Synchronization

/// Runs the tasks of connections on the event loop of the connection: received bytes are parsed while they are in the
/// cache of that core, and no other thread has to wake up.
///
/// SwiftNIO's event loops look at their sockets only when no job is left, so tasks that always have more to do would
/// starve the other connections. Hence jobs run for 2 ms at a time, then the event loop serves its sockets.
final class EventLoopExecutor: TaskExecutor {
    /// How long jobs run in a row.
    private static let slice = TimeAmount.milliseconds(2)
    /// Longer than the event loop needs to choose its next job; with a shorter pause it would continue here before it
    /// looks at its sockets.
    #if DEBUG
    private static let pause = TimeAmount.milliseconds(1)
    #else
    private static let pause = TimeAmount.microseconds(20)
    #endif

    private struct State {
        var jobs = CircularBuffer<UnownedJob>()
        /// Whether `run()` is running or scheduled.
        var isRunning = false
    }

    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = state.withLock { state in
            state.jobs.append(job)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if isFirst { eventLoop.execute { self.run() } }
    }

    private func run() {
        let end = NIODeadline.now() + Self.slice
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

/// One executor for each event loop.
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
