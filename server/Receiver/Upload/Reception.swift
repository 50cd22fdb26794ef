import ContentCoding
import HTTPTypes
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
    private static let eventsInTurn = 256

    /// How many bytes of the body have been read, before decoding.
    var bytesRead = 0
    let upload: UploadRequest
    private let rules: Route.Rules
    /// Nil if the body is not coded.
    let decoder: BodyDecoder?
    /// Nil if the body is a file.
    var parser: MultipartParser?
    var machine: StateMachine
    private var transaction: any StorageTransaction
    /// The same transaction, if the upload can be interrupted.
    let resumable: (any ResumableTransaction)?
    /// Nil if the upload cannot be interrupted, and while it is restored.
    var recorder: BodyRecorder?
    let digests: DigestQueue
    /// Whether an earlier process has compared all digests: it has begun to publish the files.
    var areDigestsChecked = false
    /// Whether digests of the current part are computed.
    private(set) var isPartDigested = false
    /// Whether any digests are computed.
    private(set) var hasDigests: Bool
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
        parser = Self.parser(of: upload, rules)
        digests = DigestQueue(body: upload.digests.ofBody, isStorable: false)
        hasDigests = !upload.digests.ofBody.isEmpty
        machine = StateMachine(limits: StateMachine.Limits(form: rules.form))
        self.transaction = transaction
        resumable = nil
    }

    /// An upload that can be interrupted: see ``restore()`` and ``checkpoint(length:completion:)``.
    init(
        _ upload: UploadRequest, resumably transaction: any ResumableTransaction, decoding: DecodingLimits,
        rules: Route.Rules
    ) {
        self.upload = upload
        self.rules = rules
        decoder = upload.coding.map { BodyDecoder($0, limits: decoding) }
        parser = Self.parser(of: upload, rules)
        digests = DigestQueue(body: upload.digests.ofBody, isStorable: !transaction.canReadContent)
        hasDigests = !upload.digests.ofBody.isEmpty
        machine = StateMachine(limits: StateMachine.Limits(form: rules.form))
        self.transaction = transaction
        resumable = transaction
    }

    private static func parser(of upload: UploadRequest, _ rules: Route.Rules) -> MultipartParser? {
        switch upload.content {
        case .form(let boundary): MultipartParser(boundary: boundary, limits: rules.form.ofParser)
        case .file: nil
        }
    }

    /// How many parts have begun.
    var partCount: Int { machine.parts.count }

    /// Reads the body to its end and publishes its files; after any failure none of them.
    ///
    /// - Parameters:
    ///   - body: throws if it is cut off.
    ///   - contentLength: the request's `Content-Length`, if it has one.
    ///   - trailer: the request's trailer fields; called when the body has been read.
    /// - Throws: ``Refusal``, or the error of reading, decoding, parsing or storing the body: see `Refusal.init(for:)`.
    mutating func receive(
        _ body: some AsyncSequence<ByteBuffer, any Error>, contentLength: Int?,
        trailer: () async throws -> HTTPFields = { [:] }
    ) async throws -> UploadReport {
        do {
            try await begin()
            for try await chunk in body { try await consume(chunk) }
            // The sequence of a cancelled task ends without an error.
            try Task.checkCancellation()
            if let contentLength, bytesRead < contentLength {
                throw Refusal(.malformed, "the body ended before its Content-Length")
            }
            return try await finish(trailer: try await trailer())
        } catch {
            await abandon()
            throw error
        }
    }

    /// The body has been read to its end: publishes its files.
    mutating func finish(trailer: HTTPFields) async throws -> UploadReport {
        try decoder?.finish()
        try await end()
        let checked = try await checkDigests(trailer)
        return machine.published(as: try await transaction.publish(), checked)
    }

    /// Removes the files, unless they are published.
    mutating func abandon() async {
        if machine.failed() { await transaction.abandon() }
    }

    mutating func begin() async throws {
        switch upload.content {
        case .form:
            break
        case .file(let name, let contentType):
            let condition = upload.preconditions.map { conditions in
                { @Sendable (file: StoredFile?) in conditions.allowWriting(file) }
            }
            try await beginPart(
                PartHead(name: "file", filename: name, contentType: contentType),
                Naming(replaces: upload.replaces, condition: condition))
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

    private mutating func checkDigests(_ trailer: HTTPFields) async throws -> CheckedDigests {
        guard !areDigestsChecked else { return CheckedDigests() }
        var expected = upload.digests.expected
        expected.add(try ExpectedDigests(trailer))
        let computed = try await digests.finish()
        try machine.partsDigested(computed.parts, wanted: upload.digests.wanted)
        return try expected.check(computed.body, of: "the body")
    }

    mutating func consume(_ chunk: ByteBuffer) async throws {
        bytesRead += chunk.readableBytes
        try rules.check(bodyBytes: bytesRead)
        if recorder != nil, decoder != nil { try await keepCoded(chunk) }
        if !upload.digests.ofBody.isEmpty { try await digests.appendToBody(chunk) }
        guard let decoder else { return try await consume(decoded: chunk) }
        var rest = chunk
        while let piece = try await decoder.next(of: &rest) { try await consume(decoded: piece) }
    }

    mutating func consume(decoded piece: ByteBuffer) async throws {
        switch upload.content {
        case .form: try await parse(piece)
        case .file:
            guard piece.readableBytes > 0 else { break }
            try await receive(piece)
            if decoder == nil { recorder?.addContent(piece.readableBytes) }
        }
        try await flush()
    }

    private mutating func parse(_ piece: ByteBuffer) async throws {
        var (offset, events) = (0, 0)
        while let event = try piece.withUnsafeReadableBytes({ try parser?.next(in: $0, at: &offset) }) {
            events += 1
            // Thousands of parts take some milliseconds: other connections of the event loop get their turn.
            if events.isMultiple(of: Self.eventsInTurn) { await Task.yield() }
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
            if decoder == nil { recorder?.read(event, through: offset, of: piece, file: machine.currentFile) }
        }
        if decoder == nil { recorder?.pieceEnded(piece, isInFile: machine.currentFile != nil) }
    }

    private mutating func beginPart(_ head: PartHead, _ naming: Naming = Naming()) async throws {
        let name = try machine.partBegan(head)
        var algorithms = machine.parts.last?.expected?.algorithms ?? []
        if let wanted = upload.digests.wanted { algorithms.insert(wanted) }
        // Also without a known algorithm, so that the names of the others are reported.
        isPartDigested = !algorithms.isEmpty || machine.parts.last?.expected?.unknown.isEmpty == false
        hasDigests = hasDigests || isPartDigested
        if isPartDigested { digests.beginPart(algorithms) }
        if let name { try await beginFile(named: name, contentType: head.contentType, naming) }
    }

    mutating func beginFile(
        named name: String, contentType: String? = nil, _ naming: Naming = Naming()
    ) async throws {
        try await transaction.beginFile(named: name, contentType: contentType, naming)
    }

    private mutating func endPart() async throws {
        try await flush()
        if isPartDigested { digests.endPart(index: machine.parts.count - 1) }
        if machine.partEnded() { try await transaction.endFile() }
    }

    private mutating func receive(_ content: ByteBuffer) async throws {
        if isPartDigested { try await digests.appendToPart(content) }
        let action = content.withUnsafeReadableBytes { machine.contentArrived($0) }
        switch action {
        case .none:
            break
        case .beginFileAndWrite(let name):
            try await beginFile(named: name)
            slices.append(content)
        case .write:
            slices.append(content)
        }
    }

    mutating func flush() async throws {
        guard !slices.isEmpty else { return }
        try await transaction.write(slices)
        slices.removeAll(keepingCapacity: true)
    }
}
