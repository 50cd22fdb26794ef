// Exists for the figure of `make bench-server`: together with deferred flushes (DeferredFlushHandler.swift) it answers
// 0.94 to 0.97 of the requests per second of an empty Hummingbird route. See docs/ARCHITECTURE.md, "Fairness between
// connections".

import NIOCore
import NIOPosix
import Synchronization

/// Runs the tasks of connections on the event loop of the connection: received bytes are parsed while they are in the
/// cache of that core, and no other thread has to wake up.
///
/// SwiftNIO's event loops look at their sockets only when no job is left, so tasks that always have more to do would
/// starve the other connections. Hence jobs run for 2 ms at most between two looks at the sockets.
final class EventLoopExecutor: TaskExecutor {
    /// How long jobs run before the event loop looks at its sockets.
    private static let slice = TimeAmount.milliseconds(2)
    /// The event loop looks at its sockets when its next job is in the future. If its other jobs take longer than this,
    /// it finds the slice used up and pauses again.
    private static let pause = TimeAmount.microseconds(20)

    private struct State {
        var jobs = CircularBuffer<UnownedJob>()
        /// Whether `run()` is running or scheduled.
        var isRunning = false
        /// The end of the current slice; nil if no job has run since the event loop looked at its sockets.
        var end: NIODeadline?
    }

    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    fileprivate init(_ eventLoop: any EventLoop) {
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
        let end = state.withLock { state in
            let end = state.end ?? .now() + Self.slice
            state.end = end
            return end
        }
        while NIODeadline.now() < end {
            let job = state.withLock { state in
                let job = state.jobs.popFirst()
                state.isRunning = job != nil
                return job
            }
            guard let job else { return }
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
        eventLoop.scheduleTask(in: Self.pause) { self.run() }
    }

    /// The event loop looks at its sockets next.
    fileprivate func endSlice() { state.withLock { $0.end = nil } }
}

/// The event loops of all servers of the process, with an executor for each.
///
/// SwiftNIO tells its metrics delegate when an event loop has no job left. Nothing else does.
final class EventLoopExecutors: NIOEventLoopMetricsDelegate {
    static let shared = EventLoopExecutors()

    /// As many as cores, for the life of the process.
    static let eventLoops = MultiThreadedEventLoopGroup(
        numberOfThreads: System.coreCount, metricsDelegate: EventLoopExecutors.shared)

    private let executors = Mutex<[ObjectIdentifier: EventLoopExecutor]>([:])

    private init() {}

    /// - Parameter eventLoop: one of ``eventLoops``.
    func executor(of eventLoop: any EventLoop) -> EventLoopExecutor {
        executors.withLock { executors in
            let id = ObjectIdentifier(eventLoop)
            if let executor = executors[id] { return executor }
            let executor = EventLoopExecutor(eventLoop)
            executors[id] = executor
            return executor
        }
    }

    func processedTick(info: NIOEventLoopTickInfo) { executors.withLock { $0[info.eventLoopID] }?.endSlice() }
}
