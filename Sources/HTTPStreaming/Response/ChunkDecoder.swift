internal import ContentCoding

/// Decodes the content of a response in the reader's task, one piece of at most 64 KiB at a time.
struct ChunkDecoder: ~Copyable {
    /// The maximum number of bytes decoded at a time.
    static let pieceSize = 64 << 10

    private var decoder: ContentDecoder
    private var chunk: [UInt8] = []
    /// The number of bytes of `chunk` that have been decoded.
    private var offset = 0

    init(_ coding: Coding) { decoder = ContentDecoder(coding) }

    /// Sets the next chunk to decode; the previous one must have been decoded.
    mutating func append(_ chunk: [UInt8]) {
        self.chunk = chunk
        offset = 0
    }

    /// Decodes the next piece of the chunk; returns nil at the end of the chunk, never an empty piece.
    ///
    /// - Throws: ``ClientError/Code/invalidContent``, then again on every further call.
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

    /// Checks that the coded data is complete, after the last chunk. No data at all is accepted: some servers send
    /// Content-Encoding with empty content.
    ///
    /// - Throws: ``ClientError/Code/invalidContent`` if the coded data ends early, although the message is complete.
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
