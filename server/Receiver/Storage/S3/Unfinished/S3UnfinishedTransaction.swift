import Foundation
import NIOCore
import Platform
import Synchronization

/// The files of an unfinished upload that goes to an object store. Another server can go on with it: what it needs is in the
/// store at each checkpoint.
final class S3UnfinishedTransaction: ResumableTransaction {
    private struct State {
        /// Nil while a call uses it.
        var transaction: S3Storage.Transaction?
        /// The coded body.
        var coded: S3File?
        /// Of the last checkpoint.
        var segments: [BodySegment] = []
        /// The sizes of files that are adopted; nil when they are written.
        var adopted: [Int]?
        var isTakenOver = false
        /// Of a coded body that is decoded again.
        var reader: (piece: S3Tail, reader: S3FileReader)?
    }

    /// A checkpoint is worth its effort at the beginning of a part: few bytes are an object of their own. Otherwise after so
    /// many parts.
    private static let (leastInterval, mostParts) = (16 << 20, 4)

    let (canReadContent, survivesPublishing) = (false, true)
    private let storage: S3Storage
    private let id: UploadID
    private let object: S3StateObject
    /// Never contended, because one task at a time uses a transaction.
    private let state: Mutex<State>

    /// A new one.
    init(_ storage: S3Storage, _ id: UploadID, _ object: S3StateObject) {
        (self.storage, self.id, self.object) = (storage, id, object)
        state = Mutex(State(transaction: S3Storage.Transaction(storage)))
    }

    init(_ storage: S3Storage, _ id: UploadID, reopening object: S3StateObject) throws(StorageError) {
        guard let segments = object.state.segments else { throw .damagedUpload }
        (self.storage, self.id, self.object) = (storage, id, object)
        state = Mutex(
            State(transaction: S3Storage.Transaction(storage), segments: segments, adopted: []))
    }

    deinit { state.withLock { $0.transaction?.end() } }

    private func use<Value, Failure: Error>(
        _ body: (inout S3Storage.Transaction) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        guard var transaction = state.withLock({ $0.transaction.take() }) else {
            preconditionFailure("two tasks use one transaction at the same time")
        }
        defer { state.withLock { $0.transaction = transaction } }
        return try await body(&transaction)
    }

    private var files: [S3File] { state.withLock { $0.transaction?.files ?? [] } }

    private var coded: S3File? { state.withLock { $0.coded } }

    private var isRestoring: Bool { state.withLock { $0.adopted != nil } }

    func beginFile(named filename: String, contentType: String?, _ naming: Naming) async throws(StorageError) {
        let stored = object.state
        try await use { transaction throws(StorageError) in
            let index = transaction.files.count
            guard index < stored.files.count else {
                return try await transaction.beginFile(named: filename, contentType: contentType, naming)
            }
            let file = stored.files[index]
            // The files of a coded body are made again.
            let (isCoded, isLast) = (stored.pieces != nil, index == stored.files.count - 1)
            let adopted = S3File(
                file.key, .file(file.fields), upload: file.upload, file.parts, isLast && !isCoded ? stored.tail : nil,
                isRepeated: isCoded, storage.client, transaction.queue)
            try transaction.adopt(adopted, named: filename, naming, stored.condition)
        }
        state.withLock { $0.adopted?.append(0) }
    }

    func write(_ pieces: [ByteBuffer]) async throws(StorageError) {
        // Content of files is not in the record, unless somebody has changed it.
        guard !isRestoring else { throw .damagedUpload }
        try await use { transaction throws(StorageError) in try await transaction.write(pieces) }
    }

    func endFile() async throws(StorageError) {
        guard !isRestoring else { return }
        try await use { transaction throws(StorageError) in try await transaction.endFile() }
    }

    func keepCoded(_ piece: ByteBuffer) async throws(StorageError) {
        let file = coded ?? newCoded([], nil)
        try await file.write([piece])
    }

    private static func codedKey(_ folder: String) -> String { folder + "coded-" }

    private func newCoded(_ pieces: [S3Part], _ tail: S3Tail?) -> S3File {
        let file = S3File(
            Self.codedKey(object.folder), .pieces, upload: nil, pieces, tail, isRepeated: false, storage.client,
            PartQueue(storage.spools))
        state.withLock { $0.coded = file }
        return file
    }

    func isCheckpointDue(after count: Int) -> Bool {
        guard let (received, size) = (coded ?? files.last)?.partProgress else { return count >= Self.leastInterval }
        guard count >= max(Self.leastInterval, size) else { return false }
        return received <= PartSpool.shortContent || count >= size * Self.mostParts
    }

    func checkpoint(
        _ segments: [BodySegment], completion: @escaping @Sendable (StorageError?) -> Void
    ) async throws(StorageError) {
        state.withLock { $0.segments.addRecord(segments) }
        let last = coded ?? files.last
        let rest = try await last?.rest() ?? .none
        // Nothing is written meanwhile, unless the rest is short.
        let isShort = if case .unstored(let content, _) = rest { content.size <= PartSpool.shortContent } else { true }
        let tail = isShort ? nil : try await store(rest, of: last)
        let progress = try await use { transaction throws(StorageError) -> Progress in
            try await self.progress(of: transaction)
        }
        Task {
            do throws(StorageError) {
                let tail = isShort ? try await store(rest, of: last) : tail
                try await record(progress, tail, isPublishing: false)
                completion(nil)
            } catch {
                completion(error)
            }
        }
    }

    private func store(_ rest: S3File.Rest, of file: S3File?) async throws(StorageError) -> S3Tail? {
        switch rest {
        case .none: return nil
        case .stored(let tail): return tail
        case .unstored(let content, let number):
            let key = UnnamedFile.randomName(prefix: object.folder + "tail-")
            do throws(S3Error) {
                let tag = try await storage.client.put(key, content, nil, .always)
                let tail = S3Tail(key: key, size: content.size, tag: tag)
                file?.restIsStored(in: tail, number: number)
                return tail
            } catch {
                throw error.storageError
            }
        }
    }

    /// What is to be recorded, besides the rest.
    private struct Progress {
        let segments: [BodySegment]
        let condition: S3WriteCondition
        var files: [(file: S3File, key: String, upload: String?, parts: [S3File.Part])] = []
        var pieces: [S3File.Part]?
    }

    private func progress(of transaction: S3Storage.Transaction) async throws(StorageError) -> Progress {
        var progress = Progress(segments: state.withLock { $0.segments }, condition: transaction.condition)
        for file in transaction.files { progress.files.append((file, file.key, file.upload, try await file.parts())) }
        progress.pieces = try await coded?.parts()
        return progress
    }

    /// Writes the state, when the store has all parts.
    private func record(_ progress: Progress, _ tail: S3Tail?, isPublishing: Bool) async throws(StorageError) {
        var files: [S3UploadState.File] = []
        for (file, key, upload, parts) in progress.files {
            guard case .file(let fields) = file.purpose else { continue }
            files.append(.init(key: key, fields: fields, upload: upload, parts: try await parts.stored()))
        }
        let pieces = try await progress.pieces?.stored()
        let before = object.state.tail
        do {
            try await object.write { state in
                (state.files, state.condition, state.pieces) = (files, progress.condition, pieces)
                (state.tail, state.isPublishing) = (tail, isPublishing)
                state.record = Data(BodyRecord.entry(progress.segments))
            }
        } catch {
            if error == .takenOver { state.withLock { $0.isTakenOver = true } }
            throw error
        }
        if let before, before != tail { try? await storage.client.delete(before.key) }
    }

    func suspend() async throws(StorageError) {
        guard !state.withLock({ $0.isTakenOver }) else {
            // The other server does not know these. If the state cannot be read, the sweep finds them.
            if let known = try? await S3StateObject.read(object.folder, storage.client)?.state.files.map(\.upload) {
                for file in files where !known.contains(file.upload) { await file.abandon() }
            }
            throw .takenOver
        }
        for file in files + (coded.map { [$0] } ?? []) { _ = try await file.parts().stored() }
    }

    func resume() async throws(StorageError) {
        guard try await object.isCurrent() else { throw .takenOver }
    }

    // MARK: Restoring

    func isPublished() async throws(StorageError) -> Bool { object.state.isPublishing }

    func segments(after position: Int?) async throws(StorageError) -> (segments: [BodySegment], next: Int) {
        (position == nil ? state.withLock { $0.segments } : [], 1)
    }

    func content(of file: Int, at offset: Int, count: Int) async throws(StorageError) -> ByteBuffer {
        preconditionFailure("parts cannot be read: see canReadContent")
    }

    func coded(at offset: Int, count: Int) async throws(StorageError) -> ByteBuffer {
        let stored = object.state
        var start = 0
        var pieces = (stored.pieces ?? []).map { piece in
            S3Tail(key: Self.codedKey(object.folder) + "\(piece.number)", size: piece.size, tag: piece.tag)
        }
        if let tail = stored.tail { pieces.append(tail) }
        var buffer = ByteBuffer()
        for piece in pieces {
            let range = max(start, offset)..<max(start, offset, min(start + piece.size, offset + count))
            if !range.isEmpty {
                var bytes = try await reader(of: piece).read(at: range.lowerBound - start, count: range.count)
                buffer.writeBuffer(&bytes)
            }
            start += piece.size
        }
        guard buffer.readableBytes == count else { throw .damagedUpload }
        return buffer
    }

    /// Pieces are read one after another: the reader of the last call is used again for the same piece.
    private func reader(of piece: S3Tail) -> S3FileReader {
        state.withLock { state in
            if let (known, reader) = state.reader, known == piece { return reader }
            let reader = S3FileReader(piece, storage.client)
            state.reader = (piece, reader)
            return reader
        }
    }

    func adopt(_ count: Int, in file: Int) throws(StorageError) {
        let isKnown = state.withLock { state in
            guard let sizes = state.adopted, file == sizes.count - 1 else { return false }
            let (size, isTooLarge) = sizes[file].addingReportingOverflow(count)
            if !isTooLarge { state.adopted?[file] = size }
            return !isTooLarge
        }
        guard isKnown else { throw .damagedUpload }
    }

    func endRestoring(coded: Int?) async throws(StorageError) {
        let sizes = state.withLock { $0.adopted ?? [] }
        if let coded {
            let file = newCoded(object.state.pieces ?? [], object.state.tail)
            guard try await Self.size(of: file) == coded else { throw .damagedUpload }
        } else {
            for (file, size) in zip(files, sizes) {
                guard try await Self.size(of: file) == size else { throw .damagedUpload }
            }
        }
        state.withLock { $0.adopted = nil }
    }

    private static func size(of file: S3File) async throws(StorageError) -> Int {
        try await file.parts().stored().reduce(file.partProgress.count) { $0 + $1.size }
    }

    // MARK: Ending

    func publish() async throws(StorageError) -> [PublishedFile?] {
        try await use { transaction throws(StorageError) in
            try await transaction.publish { transaction throws(StorageError) in
                let progress = try await progress(of: transaction)
                // Otherwise the last part has its bytes.
                let needsTail = progress.pieces != nil || transaction.files.last?.isWaiting == true
                try await record(progress, needsTail ? object.state.tail : nil, isPublishing: true)
            }
        }
    }

    func abandon() async {
        await use { transaction in await transaction.abandon() }
        // Not in this task, whose requests end at once if it is cancelled.
        await Task { await storage.removeObjects(of: id) }.value
    }
}
