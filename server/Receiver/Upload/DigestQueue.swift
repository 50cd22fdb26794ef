import Crypto
import Foundation
import NIOCore
import NIOPosix
import Platform
import Synchronization

/// Computes the digests of one request's body and parts on a thread pool while the next bytes are being received.
///
/// One job processes all that was added since the previous job started. Other requests get their turn between two jobs.
final class DigestQueue: Sendable {
    /// Bytes are added only while at most as many wait. Their memory is that of the network's read buffers.
    private static let limit = 64 * 1024

    private enum Step {
        case body(ByteBuffer)
        case part(ByteBuffer)
        case beginPart(Set<DigestAlgorithm>)
        case endPart(index: Int)

        var byteCount: Int {
            switch self {
            case .body(let bytes), .part(let bytes): bytes.readableBytes
            case .beginPart, .endPart: 0
            }
        }
    }

    private struct State {
        var pending: [Step] = []
        /// Of `pending` and of the running job.
        var byteCount = 0
        var isRunning = false
        /// Whether the thread pool has been shut down.
        var isStopped = false
        /// Resumed when no job runs, or at most `bytes` bytes wait.
        var waiter: (bytes: Int?, continuation: CheckedContinuation<Void, Never>)?

        mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
            guard let waiter, !isRunning || byteCount <= waiter.bytes ?? -1 else { return nil }
            self.waiter = nil
            return waiter.continuation
        }
    }

    private struct Progress: Codable {
        var body: RunningDigest
        var part = RunningDigest([], isStorable: false)
        var parts: [Int: Digests] = [:]
    }

    private let isStorable: Bool

    private let state = Mutex(State())
    /// Never contended, because jobs follow one another.
    private let progress: Mutex<Progress>

    /// - Parameters:
    ///   - body: the algorithms for the body.
    ///   - isStorable: whether ``stored()`` is going to be called. That takes several times as much processor time.
    init(body: Set<DigestAlgorithm>, isStorable: Bool) {
        self.isStorable = isStorable
        progress = Mutex(Progress(body: RunningDigest(body, isStorable: isStorable)))
    }

    /// Adds bytes of the body, as they are sent. Suspends while too many bytes wait.
    func appendToBody(_ bytes: ByteBuffer) async throws(StorageError) {
        try await wait(untilAtMost: Self.limit)
        add(.body(bytes))
    }

    /// Adds content of the part that was begun last. Suspends while too many bytes wait.
    func appendToPart(_ bytes: ByteBuffer) async throws(StorageError) {
        try await wait(untilAtMost: Self.limit)
        add(.part(bytes))
    }

    func beginPart(_ algorithms: Set<DigestAlgorithm>) { add(.beginPart(algorithms)) }

    func endPart(index: Int) { add(.endPart(index: index)) }

    /// Suspends until all bytes have been processed. Nothing may be added afterwards.
    ///
    /// - Returns: the digests of the body, and those of the parts by their indices.
    func finish() async throws(StorageError) -> (body: Digests, parts: [Int: Digests]) {
        try await wait(untilAtMost: nil)
        return progress.withLock { ($0.body.finalize(), $0.parts) }
    }

    /// The state of all digests, which ``restore(_:)`` takes. Suspends until all bytes have been processed.
    func stored() async throws(StorageError) -> [UInt8] {
        try await wait(untilAtMost: nil)
        return (try? JSONEncoder().encode(progress.withLock { $0 })).map(Array.init) ?? []
    }

    /// Replaces the state of this queue by one that ``stored()`` has returned.
    ///
    /// - Returns: false if the bytes are nothing of the kind.
    func restore(_ bytes: [UInt8]) async throws(StorageError) -> Bool {
        try await wait(untilAtMost: nil)
        guard let stored = try? JSONDecoder().decode(Progress.self, from: Data(bytes)) else { return false }
        progress.withLock { $0 = stored }
        return true
    }

    private func add(_ step: Step) {
        let isFirst = state.withLock { state in
            guard !state.isStopped else { return false }
            state.pending.append(step)
            state.byteCount += step.byteCount
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if isFirst { submit() }
    }

    /// - Parameter bytes: nil to wait until nothing is left to do.
    private func wait(untilAtMost bytes: Int?) async throws(StorageError) {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                precondition(state.waiter == nil, "two tasks use one queue at the same time")
                state.waiter = (bytes, continuation)
                return state.takeWaiter()
            }
            ready?.resume()
        }
        if state.withLock({ $0.isStopped }) { throw StorageError.serverIsStopping }
    }

    private func submit() {
        NIOThreadPool.singleton.submit { [self] poolState in
            switch poolState {
            case .active: run()
            case .cancelled: end(byteCount: 0, isStopped: true)
            }
        }
    }

    private func run() {
        let steps = state.withLock { state in
            defer { state.pending = [] }
            return state.pending
        }
        progress.withLock { [isStorable] progress in
            for step in steps {
                switch step {
                case .body(let bytes): bytes.withUnsafeReadableBytes { progress.body.update($0) }
                case .part(let bytes): bytes.withUnsafeReadableBytes { progress.part.update($0) }
                case .beginPart(let algorithms): progress.part = RunningDigest(algorithms, isStorable: isStorable)
                case .endPart(let index): progress.parts[index] = progress.part.finalize()
                }
            }
        }
        end(byteCount: steps.reduce(0) { $0 + $1.byteCount }, isStopped: false)
    }

    private func end(byteCount: Int, isStopped: Bool) {
        let (hasMore, waiter) = state.withLock { state in
            state.byteCount -= byteCount
            if isStopped {
                state.isStopped = true
                state.pending = []
                state.byteCount = 0
            }
            state.isRunning = !state.pending.isEmpty
            return (state.isRunning, state.takeWaiter())
        }
        // Outside of the lock: the resumed task may call this queue at once.
        waiter?.resume()
        if hasMore { submit() }
    }
}

/// Digests of bytes that follow one another.
private struct RunningDigest: Codable {
    private enum CodingKeys: CodingKey { case storable }

    // Those of swift-crypto are the fastest, and cannot be stored.
    private var sha256: SHA256?
    private var sha512: SHA512?
    private var storable: [DigestAlgorithm: MessageDigest] = [:]

    init(_ algorithms: Set<DigestAlgorithm>, isStorable: Bool) {
        if isStorable {
            for algorithm in algorithms { storable[algorithm] = MessageDigest(algorithm) }
        } else {
            sha256 = algorithms.contains(.sha256) ? SHA256() : nil
            sha512 = algorithms.contains(.sha512) ? SHA512() : nil
        }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        sha256?.update(bufferPointer: bytes)
        sha512?.update(bufferPointer: bytes)
        for algorithm in storable.keys { storable[algorithm]?.update(bytes) }
    }

    func finalize() -> Digests {
        var digests = storable.mapValues { digest in
            var digest = digest
            return digest.finish()
        }
        if let sha256 { digests[.sha256] = Array(sha256.finalize()) }
        if let sha512 { digests[.sha512] = Array(sha512.finalize()) }
        return digests
    }
}
