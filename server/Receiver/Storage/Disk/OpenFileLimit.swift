import Platform
import Synchronization

/// Limits how many descriptors of files the requests of one kind have open: uploads by default half of the descriptors that
/// the process may have, downloads a quarter. An upload of a single file needs one descriptor, one of any number of files
/// ``descriptorsPerRequest``, a download one.
final class OpenFileLimit: Sendable {
    /// The permission to have a descriptor open. The last reference ends it.
    final class Admission: Sendable {
        private let limit: OpenFileLimit

        fileprivate init(_ limit: OpenFileLimit) { self.limit = limit }

        deinit { limit.leave() }
    }

    /// A staging folder and a file.
    static let descriptorsPerRequest = 2
    /// The most complete files that a request keeps open, to sync them together.
    private static let maximumShare = 16

    private struct State {
        var free: Int
        var lastID = 0
        /// In order.
        var waiting: [(id: Int, continuation: CheckedContinuation<Bool, Never>)] = []

        mutating func takesFree() -> Bool {
            guard free > 0 else { return false }
            free -= 1
            return true
        }
    }

    /// What the requests are, for the error message.
    private let kind: String
    private let total: Int
    /// How long ``admit()`` waits.
    private let timeout: Duration
    private let state: Mutex<State>

    init(
        of kind: String = "uploads", descriptors: Int = OpenFileLimit.defaultDescriptors,
        timeout: Duration = .seconds(10)
    ) {
        (self.kind, total) = (kind, descriptors)
        self.timeout = timeout
        state = Mutex(State(free: descriptors))
    }

    private static var defaultDescriptors: Int { max(descriptorsPerRequest, maximum / 2) }

    static var defaultReaders: Int { max(1, maximum / 4) }

    /// How many descriptors the process may have.
    private static var maximum: Int {
        let maximum = sysconf(Int32(_SC_OPEN_MAX))
        // Where there is no limit, sysconf(3) returns -1.
        return maximum < 0 ? .max : maximum
    }

    /// Suspends while too many descriptors are open.
    ///
    /// - Throws: ``StorageError/Code/noResources`` after the timeout, or if the task is cancelled.
    func admit() async throws(StorageError) -> Admission {
        guard await wait() else { throw StorageError(.noResources, "too many \(kind) at the same time") }
        return Admission(self)
    }

    /// How many complete files a request may keep open besides: one if many requests have files open.
    var share: Int { state.withLock { min(Self.maximumShare, max(1, $0.free / max(1, total - $0.free))) } }
}

extension OpenFileLimit {
    /// - Returns: false after the timeout, or if the task is cancelled.
    private func wait() async -> Bool {
        let id = state.withLock { state in
            state.lastID += 1
            return state.takesFree() ? nil : state.lastID
        }
        guard let id else { return true }
        let timer = Task { [timeout] in
            try await Task.sleep(for: timeout)
            stopWaiting(id)
        }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isAdmitted = state.withLock { state -> Bool? in
                    if state.takesFree() { return true }
                    if Task.isCancelled { return false }
                    state.waiting.append((id, continuation))
                    return nil
                }
                if let isAdmitted { continuation.resume(returning: isAdmitted) }
            }
        } onCancel: {
            stopWaiting(id)
        }
    }

    private func stopWaiting(_ id: Int) {
        let continuation = state.withLock { state in
            state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
        }
        continuation?.resume(returning: false)
    }

    fileprivate func leave() {
        let next = state.withLock { state in
            if state.waiting.isEmpty {
                state.free += 1
                return nil as CheckedContinuation<Bool, Never>?
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: true)
    }
}
