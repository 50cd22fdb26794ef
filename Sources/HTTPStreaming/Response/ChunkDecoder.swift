internal import ContentCoding

/// Undoes the content coding of a response, for its reader: of each chunk that came, no more is
/// decoded at a time than one piece.
struct ChunkDecoder: ~Copyable {
    /// The most bytes that are decoded at a time.
    static let pieceSize = 64 << 10

    private var decoder: ContentDecoder
    private var chunk: [UInt8] = []
    /// How much of `chunk` has been decoded.
    private var offset = 0

    init(_ coding: Coding) { decoder = ContentDecoder(coding) }

    /// Takes the next chunk; the one before must have been decoded.
    mutating func append(_ chunk: [UInt8]) {
        self.chunk = chunk
        offset = 0
    }

    /// The next piece of what was given, not empty; nil if there is no more of it.
    ///
    /// - Throws: ``ClientError/Code/invalidContent``, from then on always.
    mutating func next() throws(ClientError) -> [UInt8]? {
        let chunk = chunk
        do {
            let piece = try withUnsafeTemporaryAllocation(byteCount: Self.pieceSize, alignment: 1) { room in
                let count = try chunk.withUnsafeBytes { bytes in
                    var rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
                    defer { offset = bytes.count - rest.count }
                    return try decoder.decode(&rest, into: room)
                }
                return Array(room[..<count])
            }
            if !piece.isEmpty { return piece }
        } catch {
            throw Self.invalid(error)
        }
        self.chunk = []
        offset = 0
        return nil
    }

    /// No more chunks come.
    ///
    /// - Throws: ``ClientError/Code/invalidContent`` if the data is cut off, as it is in a message
    ///   that is complete where the sender gave up. With none at all there is no content: some
    ///   servers say so of what they would have coded.
    mutating func finish() throws(ClientError) {
        guard decoder.bytesRead > 0 else { return }
        do throws(CodingError) {
            try decoder.finish()
        } catch {
            throw Self.invalid(error)
        }
    }

    private static func invalid(_ error: any Error) -> ClientError {
        ClientError(.invalidContent, "the content of the response cannot be decoded: \(error)", underlying: error)
    }
}
