import Crypto
import HummingbirdCore
import Multipart
import NIOCore

/// Receives one request's body: socket → parser → storage, in one pass.
///
/// Content is never copied in user space: the parser tells which ranges of a chunk are content,
/// and the storage gets slices that share the chunk's memory. The next chunk is asked for when the
/// storage has taken this one; while it does, the connection reads ahead within the bound of
/// ``ReceiverChannel``.
struct Reception: ~Copyable {
    /// How many bytes of the body have been read.
    private(set) var bytesRead = 0
    private let wantsDigest: Bool
    private var parser: MultipartParser
    private var machine: StateMachine
    private var sink: any StorageTransaction
    private var digest = SHA256()
    /// Slices of the current chunk that the current file still has to get: one write for all of
    /// them, however often the content almost holds a delimiter.
    private var pieces: [ByteBuffer] = []

    init(_ request: UploadRequest, into sink: any StorageTransaction, limits: StateMachine.Limits = .init()) {
        wantsDigest = request.wantsDigest
        parser = MultipartParser(boundary: request.boundary)
        machine = StateMachine(limits: limits)
        self.sink = sink
    }

    /// How many parts have begun.
    var partCount: Int { machine.parts.count }

    /// Reads the body to its end and publishes its files; on any failure none of them.
    ///
    /// - Parameters:
    ///   - body: must throw where it is cut off, not just end.
    ///   - contentLength: the length that the request announced, if it did.
    /// - Throws: ``Refusal``, or what reading the body throws.
    mutating func receive(
        _ body: some AsyncSequence<ByteBuffer, any Error>, contentLength: Int?
    ) async throws -> UploadReport {
        do {
            for try await chunk in body { try await consume(chunk) }
            // An iterator also ends, without an error, where the task is cancelled.
            try Task.checkCancellation()
            if let contentLength, bytesRead < contentLength {
                throw Refusal(.malformed, "the body ended before its Content-Length")
            }
            try parser.finish()
            try machine.bodyEnded()
            return machine.published(as: try await sink.publish())
        } catch {
            if machine.failed() == .abandon { await sink.abandon() }
            switch error {
            case let error as MultipartError: throw Refusal(error)
            case let error as StorageError: throw Refusal(error)
            default: throw error
            }
        }
    }

    private mutating func consume(_ chunk: ByteBuffer) async throws {
        bytesRead += chunk.readableBytes
        var offset = 0
        while let event = try chunk.withUnsafeReadableBytes({ try parser.next(in: $0, at: &offset) }) {
            switch event {
            case .partBegan(let head):
                if wantsDigest { digest = SHA256() }
                if case .beginFile(let name) = try machine.partBegan(head) { try await sink.beginFile(named: name) }
            case .content(let range):
                guard let slice = chunk.getSlice(at: chunk.readerIndex + range.lowerBound, length: range.count) else {
                    preconditionFailure("the parser named a range outside of the chunk")
                }
                try await take(slice)
            case .heldContent(let bytes):
                try await take(ByteBuffer(bytes: bytes))
            case .partEnded:
                try await flush()
                let sha256 = wantsDigest ? digest.finalize().hexadecimal : nil
                if machine.partEnded(sha256: sha256) == .endFile { try await sink.endFile() }
            case .messageEnded:
                machine.messageEnded()
            }
        }
        try await flush()
    }

    private mutating func take(_ content: ByteBuffer) async throws {
        let action = content.withUnsafeReadableBytes { bytes in
            if wantsDigest { digest.update(bufferPointer: bytes) }
            return machine.contentArrived(bytes)
        }
        switch action {
        case .none:
            break
        case .beginFileAndWrite(let name):
            try await sink.beginFile(named: name)
            pieces.append(content)
        case .write:
            pieces.append(content)
        }
    }

    private mutating func flush() async throws {
        guard !pieces.isEmpty else { return }
        try await sink.write(pieces)
        pieces.removeAll(keepingCapacity: true)
    }
}

extension SHA256.Digest {
    fileprivate var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
