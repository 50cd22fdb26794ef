internal import Dispatch

/// Runs one task that blocks, on disks for one: not on the threads that all tasks share, which are
/// as many as there are cores.
///
/// A serial queue of Dispatch takes a thread whenever it has something to run, whatever other
/// queues have, and gives it back when it has not.
final class BlockingExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "http-streaming.blocking")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
