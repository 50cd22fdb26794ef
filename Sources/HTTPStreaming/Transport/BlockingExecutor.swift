/// Runs tasks that block on the threads of ``BlockingPool``.
final class BlockingExecutor: TaskExecutor {
    static let shared = BlockingExecutor()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        BlockingPool.shared.run { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
