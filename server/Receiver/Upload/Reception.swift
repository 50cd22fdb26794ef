import ContentCoding
import Crypto
import HummingbirdCore
import Multipart
import NIOCore
import Platform

/// Receives one request's body: socket → decoder → parser → storage, in one pass.
///
/// Content is not copied in user space after it has been decoded: the parser reports which ranges of a piece are content,
/// and the storage gets slices that share its memory. The next piece is read after the storage has accepted this one;
/// meanwhile the connection reads ahead within the limits of ``ReceiverChannel``.
struct Reception: ~Copyable {
    /// How many bytes of the body have been read, before decoding.
    private(set) var bytesRead = 0
    private let upload: UploadRequest
    private let rules: Route.Rules
    /// Nil if the body is not coded.
    private let decoder: BodyDecoder?
    /// Nil if the body is a file.
    private var parser: MultipartParser?
    private var machine: StateMachine
    private var transaction: any StorageTransaction
    private var digest = SHA256()
    /// Slices of the current piece that belong to the current file. They are written together, however often the content
    /// almost contains a delimiter.
    private var slices: [ByteBuffer] = []

    init(
        _ upload: UploadRequest, into transaction: any StorageTransaction,
        decoding: DecodingLimits = .init(), rules: Route.Rules = .init()
    ) {
        self.upload = upload
        self.rules = rules
        decoder = upload.coding.map { BodyDecoder($0, limits: decoding) }
        parser =
            switch upload.content {
            case .form(let boundary): MultipartParser(boundary: boundary, limits: rules.form.ofParser)
            case .file: nil
            }
        machine = StateMachine(limits: StateMachine.Limits(form: rules.form))
        self.transaction = transaction
    }

    /// How many parts have begun.
    var partCount: Int { machine.parts.count }

    /// Reads the body to its end and publishes its files; after any failure none of them.
    ///
    /// - Parameters:
    ///   - body: throws if it is cut off.
    ///   - contentLength: the request's `Content-Length`, if it has one.
    /// - Throws: ``Refusal``, or the error of reading, decoding, parsing or storing the body: see `Refusal.init(for:)`.
    mutating func receive(
        _ body: some AsyncSequence<ByteBuffer, any Error>, contentLength: Int?
    ) async throws -> UploadReport {
        do {
            try await begin()
            for try await chunk in body { try await consume(chunk) }
            // The sequence of a cancelled task ends without an error.
            try Task.checkCancellation()
            if let contentLength, bytesRead < contentLength {
                throw Refusal(.malformed, "the body ended before its Content-Length")
            }
            try decoder?.finish()
            try await end()
            return machine.published(as: try await transaction.publish())
        } catch {
            if machine.failed() { await transaction.abandon() }
            throw error
        }
    }

    private mutating func begin() async throws {
        switch upload.content {
        case .form:
            break
        case .file(let name, let contentType):
            try await beginPart(PartHead(name: "file", filename: name, contentType: contentType))
        }
    }

    private mutating func end() async throws {
        switch upload.content {
        case .form:
            try parser?.finish()
        case .file:
            try await endPart()
            machine.messageEnded()
        }
        try machine.bodyEnded()
    }

    private mutating func consume(_ chunk: ByteBuffer) async throws {
        bytesRead += chunk.readableBytes
        try rules.check(bodyBytes: bytesRead)
        guard let decoder else { return try await consume(decoded: chunk) }
        var rest = chunk
        while let piece = try await decoder.next(of: &rest) { try await consume(decoded: piece) }
    }

    private mutating func consume(decoded piece: ByteBuffer) async throws {
        switch upload.content {
        case .form: try await parse(piece)
        case .file: if piece.readableBytes > 0 { try await receive(piece) }
        }
        try await flush()
    }

    private mutating func parse(_ piece: ByteBuffer) async throws {
        var offset = 0
        while let event = try piece.withUnsafeReadableBytes({ try parser?.next(in: $0, at: &offset) }) {
            switch event {
            case .partBegan(let head):
                try await beginPart(head)
            case .content(let range):
                guard let slice = piece.getSlice(at: piece.readerIndex + range.lowerBound, length: range.count) else {
                    preconditionFailure("the parser reported a range outside of the piece")
                }
                try await receive(slice)
            case .heldContent(let bytes):
                try await receive(ByteBuffer(bytes: bytes))
            case .partEnded:
                try await endPart()
            case .messageEnded:
                machine.messageEnded()
            }
        }
    }

    private mutating func beginPart(_ head: PartHead) async throws {
        if upload.wantsDigest { digest = SHA256() }
        if let name = try machine.partBegan(head) { try await transaction.beginFile(named: name) }
    }

    private mutating func endPart() async throws {
        try await flush()
        let sha256 = upload.wantsDigest ? digest.finalize().hexadecimal : nil
        if machine.partEnded(sha256: sha256) { try await transaction.endFile() }
    }

    private mutating func receive(_ content: ByteBuffer) async throws {
        let action = content.withUnsafeReadableBytes { bytes in
            if upload.wantsDigest { digest.update(bufferPointer: bytes) }
            return machine.contentArrived(bytes)
        }
        switch action {
        case .none:
            break
        case .beginFileAndWrite(let name):
            try await transaction.beginFile(named: name)
            slices.append(content)
        case .write:
            slices.append(content)
        }
    }

    private mutating func flush() async throws {
        guard !slices.isEmpty else { return }
        try await transaction.write(slices)
        slices.removeAll(keepingCapacity: true)
    }
}
