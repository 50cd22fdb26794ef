internal import Synchronization

/// How far a transfer has got, written by its agent and read by anyone: so that reporting progress
/// can never hold a transfer up.
final class ProgressCounter: Sendable {
    private let sent = Atomic<Int64>(0)
    private let total = Atomic<Int64>(-1)

    func set(sent bytes: Int64) { sent.store(bytes, ordering: .relaxed) }

    func set(total bytes: Int64) { total.store(bytes, ordering: .relaxed) }

    var progress: UploadProgress {
        let total = total.load(ordering: .relaxed)
        return UploadProgress(bytesSent: sent.load(ordering: .relaxed), totalBytes: total < 0 ? nil : total)
    }
}
