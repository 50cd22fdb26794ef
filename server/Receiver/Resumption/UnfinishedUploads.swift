import ContentCoding
import HTTPTypes
import NIOCore
import Platform
import ServiceLifecycle
import Synchronization

/// All uploads that can be interrupted. The storage has them; those that are used are in memory.
final class UnfinishedUploads: Sendable {
    /// How many uploads stay in memory between two requests, and for how long.
    private static let (maximumKnown, knownTime) = (64, Duration.seconds(60))
    /// How many answers are kept for clients that have not received them.
    private static let maximumAnswers = 1000

    private struct State {
        /// Those that are, or have lately been, used.
        var uploads: [UploadID: UnfinishedUpload] = [:]
        /// The bytes of each upload that is not complete, and of all of them.
        private(set) var sizes: [UploadID: Int] = [:]
        private(set) var totalSize = 0

        mutating func setSize(_ size: Int?, of id: UploadID) {
            totalSize += (size ?? 0) - (sizes[id] ?? 0)
            sizes[id] = size
        }
    }

    let limits: UploadLimits
    private let quota: Receiver.ResumptionLimits
    private let storage: any ResumableStorage
    private let decoding: DecodingLimits
    private let rules: Route.Rules
    private let state = Mutex(State())

    init(
        _ storage: any ResumableStorage, _ quota: Receiver.ResumptionLimits, _ decoding: DecodingLimits,
        _ rules: Route.Rules
    ) {
        (self.storage, self.quota, self.decoding, self.rules) = (storage, quota, decoding, rules)
        limits = UploadLimits(size: rules.maximumBodySize, age: Int(quota.age.components.seconds))
    }

    /// Begins an upload, of which nothing is stored yet.
    ///
    /// - Throws: 507 if there are too many.
    func begin(_ head: HTTPRequest, _ upload: UploadRequest, _ creation: UploadCreation) throws(Refusal)
        -> UnfinishedUpload
    {
        let unfinished = UnfinishedUpload(
            UploadID(), UploadRecord(head, creation), upload, in: storage, decoding, rules)
        let isAdmitted = state.withLock { state in
            guard state.sizes.count < quota.count else { return false }
            state.setSize(0, of: unfinished.id)
            state.uploads[unfinished.id] = unfinished
            return true
        }
        guard isAdmitted else {
            throw Refusal(
                .noSpace, "there are \(quota.count) unfinished uploads: see --max-unfinished",
                fields: [.retryAfter: "60"])
        }
        return unfinished
    }

    /// Notes how many bytes of an upload are stored.
    ///
    /// - Throws: 507 if the unfinished uploads have too many bytes together.
    func note(_ size: Int, of id: UploadID) throws(StorageError) {
        let isAllowed = state.withLock { state in
            state.setSize(size, of: id)
            return state.totalSize <= quota.bytes ?? .max
        }
        guard isAllowed else {
            throw StorageError(
                .noSpace, "the unfinished uploads have more bytes than allowed: see --max-unfinished-size")
        }
    }

    /// - Returns: nil if there is no such upload, or it is not the client's.
    func find(_ id: UploadID, for head: HTTPRequest) async throws -> UnfinishedUpload? {
        let owner = UploadRecord.Owner(head)
        if let known = state.withLock({ $0.uploads[id] }) { return known.record.owner == owner ? known : nil }
        guard let stored = try await storage.find(id) else { return nil }
        guard let record = UploadRecord(bytes: stored.request) else { throw StorageError.damagedUpload }
        guard record.owner == owner else { return nil }
        let answer = try stored.answer.map { bytes throws(StorageError) in try UploadAnswer(stored: bytes) }
        let found = UnfinishedUpload(
            id, record, try UploadRequest(record.head, rules), answer: answer, in: storage, decoding, rules)
        return state.withLock { state in
            // Another request may have been faster.
            if let known = state.uploads[id] { return known }
            state.uploads[id] = found
            return found
        }
    }

    /// A request has ended.
    func ended(_ upload: UnfinishedUpload) {
        let known = state.withLock { state in
            if upload.isRemoved || upload.answer != nil { state.setSize(nil, of: upload.id) }
            if upload.isRemoved { state.uploads[upload.id] = nil }
            return state.uploads.count > Self.maximumKnown ? Array(state.uploads.values) : []
        }
        for upload in known.sorted(by: { $0.lastUse < $1.lastUse }).dropLast(Self.maximumKnown) { forget(upload) }
    }

    /// Frees the memory of an upload, unless a request uses it. The storage still has it.
    private func forget(_ upload: UnfinishedUpload) {
        guard upload.turn.enterIfFree() else { return }
        upload.unpark()
        state.withLock { $0.uploads[upload.id] = nil }
        upload.turn.leave()
    }

    /// Whether later requests find this upload, too: not another one, made again from the storage.
    func has(_ upload: UnfinishedUpload) -> Bool { state.withLock { $0.uploads[upload.id] === upload } }

    /// Removes uploads that have not gone on for too long, and answers if there are too many; frees memory. Removes also what
    /// another server of the same storage, which was killed, has left there.
    func sweep() async throws(StorageError) {
        try await storage.removeLeftovers()
        var answers: [UnfinishedEntry] = []
        let now = Timestamp.now.seconds
        let entries = try await storage.unfinished()
        let incomplete = entries.filter { !$0.isComplete }
        state.withLock { state in
            // Of uploads that another server has completed or removed.
            let ended = Set(state.sizes.keys).subtracting(incomplete.map(\.id)).filter { state.uploads[$0] == nil }
            for id in ended { state.setSize(nil, of: id) }
            for entry in incomplete where state.sizes[entry.id] == nil { state.setSize(entry.bytes, of: entry.id) }
        }
        for entry in entries {
            if now - entry.modified > limits.age {
                await expire(entry.id)
            } else if entry.isComplete {
                answers.append(entry)
            }
        }
        for entry in answers.sorted(by: { $0.modified < $1.modified }).dropLast(Self.maximumAnswers) {
            await expire(entry.id)
        }
        let idle = state.withLock { state in
            state.uploads.values.filter { ContinuousClock.now - $0.lastUse > Self.knownTime }
        }
        for upload in idle { forget(upload) }
    }

    /// Removes an upload, unless a request uses it, or has lately used it.
    private func expire(_ id: UploadID) async {
        guard let upload = state.withLock({ $0.uploads[id] }) else {
            await storage.remove(id)
            state.withLock { $0.setSize(nil, of: id) }
            return
        }
        guard ContinuousClock.now - upload.lastUse > quota.age, upload.turn.enterIfFree() else { return }
        await upload.remove()
        state.withLock { state in
            state.uploads[id] = nil
            state.setSize(nil, of: id)
        }
        upload.turn.leave()
    }
}

/// Sweeps the unfinished uploads from time to time while the server runs.
struct UnfinishedUploadsService: Service {
    let uploads: UnfinishedUploads

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // If it fails, the next one may succeed.
                try? await uploads.sweep()
                let seconds = min(60, max(1, uploads.limits.age / 4))
                guard (try? await Task.sleep(for: .seconds(seconds))) != nil else { return }
            }
        }
    }
}
