internal import CZlib

/// A `z_stream` that decompresses. https://zlib.net/manual.html
struct InflateStream: ~Copyable {
    /// At a fixed address, because zlib stores a pointer to it.
    private let stream: UnsafeMutablePointer<z_stream>

    init(_ format: ZFormat) throws(CodingError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard czlib_inflate_init(stream, format.rawValue) == Z_OK else {
            stream.deallocate()
            throw CodingError(.outOfMemory, "out of memory for decoding")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// The number of bytes of data read since the start or the last ``reset()``.
    var bytesRead: Int { Int(stream.pointee.total_in) }

    /// Starts a new stream of the same format.
    mutating func reset() { inflateReset(stream) }

    /// - Parameter input: the bytes that were read are removed.
    /// - Returns: the number of bytes written to `output`, which is 0 if more data is needed, and whether zlib has read
    ///   the end of the stream, with its checksum.
    mutating func inflate(
        _ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(CodingError) -> (count: Int, hasEnded: Bool) {
        let (code, count) = stream.run(&input, into: output) { CZlib.inflate($0, Z_NO_FLUSH) }
        switch code {
        // Z_BUF_ERROR means no input or no room, and is no failure.
        case Z_OK, Z_BUF_ERROR, Z_STREAM_END:
            return (count, code == Z_STREAM_END)
        case Z_MEM_ERROR:
            throw CodingError(.outOfMemory, "out of memory for decoding")
        default:
            let reason = code == Z_NEED_DICT ? "needs a dictionary" : stream.message
            throw CodingError(.corrupt, "the data is corrupt: \(reason)")
        }
    }
}
