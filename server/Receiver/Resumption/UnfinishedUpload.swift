import ContentCoding
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTP2
import Synchronization

/// An upload that can be interrupted. Whoever has its turn uses it.
///
/// Between two requests its reception stays in memory for a short time, without descriptors. After that it is made again from
/// what is stored, as after a restart of the server.
final class UnfinishedUpload: Sendable {
    /// What has been received.
    struct Live: ~Copyable {
        var reception: Reception
        var progress: UploadProgress
    }

    private struct State: ~Copyable {
        var live: Live?
        /// Nil until the files are published.
        var answer: UploadAnswer?
        var isRemoved = false
        var lastUse = ContinuousClock.now
    }

    let id: UploadID
    let record: UploadRecord
    let upload: UploadRequest
    let turn = WriterTurn()
    private let storage: any ResumableStorage
    private let decoding: DecodingLimits
    private let rules: Route.Rules
    private let state: Mutex<State>

    init(
        _ id: UploadID, _ record: UploadRecord, _ upload: UploadRequest, answer: UploadAnswer? = nil,
        in storage: any ResumableStorage, _ decoding: DecodingLimits, _ rules: Route.Rules
    ) {
        (self.id, self.record, self.upload) = (id, record, upload)
        (self.storage, self.decoding, self.rules) = (storage, decoding, rules)
        state = Mutex(State(live: nil, answer: answer))
    }

    /// Nil until the files are published.
    var answer: UploadAnswer? { state.withLock { $0.answer } }

    var isRemoved: Bool { state.withLock { $0.isRemoved } }

    var lastUse: ContinuousClock.Instant { state.withLock { $0.lastUse } }

    /// Begins to store the upload.
    func create() async throws -> Live {
        let transaction = try await storage.create(id, request: record.bytes)
        var reception = Reception(upload, resumably: transaction, decoding: decoding, rules: rules)
        do {
            try await reception.beginResumably()
        } catch {
            await reception.abandon()
            await remove()
            throw error
        }
        return Live(reception: reception, progress: UploadProgress(length: record.length))
    }

    /// Goes on with the upload, with open files.
    ///
    /// - Returns: nil if another server of the same storage has completed it: see ``answer``.
    func open() async throws -> Live? {
        if let live = take() {
            do {
                try await live.reception.resumable?.resume()
                return live
            } catch {
                // What is stored counts. If that cannot be opened either, that is the error.
            }
        }
        guard let stored = try await storage.find(id) else {
            // Another server of the same storage has removed it.
            state.withLock { $0.isRemoved = true }
            throw Self.notFound
        }
        if let bytes = stored.answer {
            let answer = try UploadAnswer(stored: bytes)
            state.withLock { $0.answer = answer }
            return nil
        }
        let transaction = try await storage.reopen(id)
        var reception = Reception(upload, resumably: transaction, decoding: decoding, rules: rules)
        let length = try await reception.restore()
        let offset = reception.bytesRead
        return Live(reception: reception, progress: UploadProgress(offset: offset, length: length ?? record.length))
    }

    /// How much has been received.
    func status() async throws -> UploadStatus {
        if answer == nil, let live = try await open() {
            let progress = live.progress
            await rest(live)
            return UploadStatus(progress)
        }
        let length = answer?.length ?? 0
        return UploadStatus(offset: length, length: length, isComplete: true)
    }

    /// Closes the files, and keeps the reception in memory if everything has been written.
    func rest(_ live: consuming Live) async {
        guard (try? await live.reception.resumable?.suspend()) != nil else { return }
        park(live)
    }

    /// Keeps the reception in memory.
    func park(_ live: consuming Live) {
        var live = Optional(live)
        state.withLock { state in
            state.live = live.take()
            state.lastUse = .now
        }
    }

    /// - Returns: nil if it has to be made again.
    func take() -> Live? {
        state.withLock { state in
            state.lastUse = .now
            return state.live.take()
        }
    }

    /// Frees the memory of the reception. What is stored stays.
    func unpark() { _ = take() }

    /// Records what has been received by the parked reception, and closes its files. If that fails, the upload goes on from
    /// what has been recorded before.
    func settle(_ checkpoints: Checkpoints, _ length: Int? = nil) async throws(StorageError) {
        guard var live = take() else { return }
        do {
            try await checkpoints.wait()
            let offset = live.progress.offset
            checkpoints.begin(at: offset)
            try await live.reception.checkpoint(length: length) { checkpoints.end($0) }
            try await checkpoints.wait()
        } catch {
            try? await live.reception.resumable?.suspend()
            throw error
        }
        await rest(live)
    }

    /// Forgets what has been received since the last checkpoint.
    func drop(_ checkpoints: Checkpoints) async {
        guard let live = take() else { return }
        try? await checkpoints.wait()
        try? await live.reception.resumable?.suspend()
    }

    /// Publishes the files: all bytes have been received. Removes the upload if that fails for good.
    func finish(_ trailer: HTTPFields) async throws -> UploadReport {
        guard var live = try await open() else { throw StorageError.takenOver }
        let length = live.progress.offset
        let report: UploadReport
        do {
            report = try await live.reception.finish(trailer: trailer)
        } catch {
            if live.reception.resumable?.survivesPublishing == true, Self.survives(error) {
                try? await live.reception.resumable?.suspend()
            } else {
                await live.reception.abandon()
                await remove()
            }
            throw error
        }
        try? await live.reception.resumable?.suspend()
        let answer = UploadAnswer(report, to: upload, length: length)
        state.withLock { $0.answer = answer }
        // If this fails the client gets its answer all the same. After a restart the storage finds out the names.
        try? await storage.complete(id, answer: answer.bytes)
        return report
    }

    static let notFound = Refusal(
        .notFound, "there is no such upload: it has been removed, or was begun with another token")

    func remove() async {
        unpark()
        state.withLock { $0.isRemoved = true }
        await storage.remove(id)
    }

    /// Whether the upload can go on after an error.
    static func survives(_ error: any Error) -> Bool {
        switch error {
        case is UploadProgress.Problem, is ChecksumMismatch: true
        case is RequestBodyError, is HTTPParserError, is IOError, is ChannelError, is NIOHTTP2Errors.StreamClosed: true
        case is CancellationError: true
        case let error as StorageError: [.noSpace, .noResources, .failed].contains(error.code)
        default: false
        }
    }
}

/// The body of a request does not match its `Upload-Checksum`.
struct ChecksumMismatch: Error {}

extension UploadStatus {
    init(_ progress: UploadProgress) {
        self.init(offset: progress.offset, length: progress.length, isComplete: false)
    }
}
