import Foundation
import TestSupport

/// Runs tasks one after another and counts their jobs: one for the start of a task, and one each time that it goes on after
/// it was suspended.
final class CountingExecutor: TaskExecutor {
    let jobs = Shared(0)
    private let queue = DispatchQueue(label: "counting")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.update { $0 += 1 }
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
