internal import Synchronization

/// How far a transfer has got, written by its agent and read by anyone: so that reporting progress
/// can never hold a transfer up.
final class ProgressCounter: Sendable {
    private let read = Atomic<Int64>(0)
    private let sent = Atomic<Int64>(0)
    private let total = Atomic<Int64>(-1)

    func set(read bytesRead: Int64, sent bytesSent: Int64) {
        read.store(bytesRead, ordering: .relaxed)
        sent.store(bytesSent, ordering: .relaxed)
    }

    /// Before the request is sent again.
    func reset() {
        set(read: 0, sent: 0)
        set(total: -1)
    }

    func set(total bytes: Int64) { total.store(bytes, ordering: .relaxed) }

    var progress: UploadProgress {
        let total = total.load(ordering: .relaxed)
        return UploadProgress(
            bytesRead: read.load(ordering: .relaxed),
            bytesSent: sent.load(ordering: .relaxed),
            totalBytes: total < 0 ? nil : total
        )
    }
}
