import NIOPosix
import Platform
import Synchronization

/// Writes the names in a directory to the disk for many requests at a time: one fsync(2) covers all names that were given
/// before it began.
final class DirectorySync: Sendable {
    private typealias Waiter = CheckedContinuation<SystemError?, Never>

    private struct State {
        /// Requests that the next fsync(2) covers.
        var waiting: [Waiter] = []
        var isRunning = false
    }

    private let directory: Directory
    private let threadPool: NIOThreadPool
    private let state = Mutex(State())

    init(_ directory: Directory, _ threadPool: NIOThreadPool) {
        (self.directory, self.threadPool) = (directory, threadPool)
    }

    /// Suspends until all names that have been given in the directory are on the disk. Not cancellable.
    ///
    /// - Throws: if that failed for one of the requests that waited together. It is then unknown for all of them.
    func sync() async throws(StorageError) {
        let error = await withCheckedContinuation { continuation in
            let isFirst = state.withLock { state in
                state.waiting.append(continuation)
                defer { state.isRunning = true }
                return !state.isRunning
            }
            if isFirst { submit() }
        }
        if let error { throw error.storageError("cannot write a folder to the disk") }
    }

    private func submit() {
        threadPool.submit { [self] poolState in
            let waiters = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            var failure: SystemError?
            do throws(SystemError) {
                guard case .active = poolState else { throw SystemError(code: ECANCELED) }
                try directory.descriptor.syncNames()
            } catch {
                failure = error
            }
            let hasMore = state.withLock { state in
                state.isRunning = !state.waiting.isEmpty
                return state.isRunning
            }
            if hasMore { submit() }
            for waiter in waiters { waiter.resume(returning: failure) }
        }
    }
}
