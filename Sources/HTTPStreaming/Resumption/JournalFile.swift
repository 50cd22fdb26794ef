internal import Platform
internal import Synchronization

/// The file of an ``UploadJournal``: it is replaced in one step, and on the disk before it counts.
final class JournalFile: Sendable {
    /// The least time between two versions of the file.
    private static let interval = Duration.seconds(5)
    /// The maximum length in bytes.
    private static let limit = 16 << 20

    private struct State {
        var location: String?
        var version = 0
        var writtenAt: Instant?
        var hasEnded = false
        /// The last failure to write it.
        var failure: SystemError?
    }

    private let path: Path
    /// The journal of the upload as it is now, without its location.
    private let journal: @Sendable () -> UploadJournal?
    private let state = Mutex(State())
    /// Held while the file is written or removed.
    private let writing = Mutex(())

    init(_ path: Path, _ journal: @escaping @Sendable () -> UploadJournal?) {
        self.path = path
        self.journal = journal
    }

    /// Checks that the file can be written. Blocks.
    func check() throws(ClientError) {
        do throws(SystemError) {
            _ = try FileWriter(replacing: path)
        } catch {
            throw Self.unwritable(path, error)
        }
    }

    private static func unwritable(_ path: Path, _ error: SystemError) -> ClientError {
        ClientError(.destinationUnwritable, "the journal \(path) cannot be written: \(error)", underlying: error)
    }

    /// The error of the last time that the file was written; nil if that succeeded.
    var failure: ClientError? { state.withLock { $0.failure }.map { Self.unwritable(path, $0) } }

    /// Has the file written by another thread, unless it was written a short time ago for the same location.
    func update(location: String, version: Int) {
        let now = Instant.now
        let isDue = state.withLock { state in
            let isRecent = state.writtenAt.map { now < $0 + Self.interval } ?? false
            guard !state.hasEnded, state.location != location || !isRecent else { return false }
            (state.location, state.version, state.writtenAt) = (location, version, now)
            return true
        }
        if isDue { BlockingPool.shared.run { [self] in write() } }
    }

    private func write() {
        writing.withLock { _ in
            let now = state.withLock { $0 }
            guard !now.hasEnded, let location = now.location, var journal = journal() else { return }
            (journal.location, journal.version) = (location, now.version)
            var failure: SystemError?
            do throws(SystemError) {
                var file = try FileWriter(replacing: path, permissions: 0o600)
                try file.append(Array(journal.text.utf8))
                try file.publish()
            } catch {
                failure = error
            }
            state.withLock { $0.failure = failure }
        }
    }

    /// Removes the file: the upload has ended. Suspends until that is done.
    func remove() async {
        state.withLock { $0.hasEnded = true }
        await withTaskExecutorPreference(BlockingExecutor.shared) {
            writing.withLock { _ in _ = path.withCString { unlink($0) } }
        }
    }

    /// Reads a journal, and opens the content that it names; suspends until that is done.
    static func open(_ path: Path) async throws(ClientError) -> (UploadJournal, any Source) {
        try await withTaskExecutorPreference(BlockingExecutor.shared) { () throws(ClientError) in
            let journal = try read(path)
            let preparation = Preparation(recognizesCompressed: journal.body.recognizesCompressed)
            return (journal, try preparation.source(journal.body))
        }
    }

    /// Reads a journal. Blocks.
    static func read(_ path: Path) throws(ClientError) -> UploadJournal {
        let file: OpenFile
        do throws(ClientError) {
            file = try OpenFile(path: path)
        } catch {
            throw ClientError(
                .invalidJournal, "the journal cannot be read: \(error.message)", underlying: error.underlying)
        }
        let bytes = try file.bytes(at: 0, atMost: min(limit, Int(file.identity.size)))
        do throws(UploadJournal.Fault) {
            guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed }
            return try UploadJournal(parsing: text)
        } catch {
            throw ClientError(.invalidJournal, "the journal \(path) cannot be used: \(error.reason)")
        }
    }
}
