internal import CZlib

/// A `z_stream` that inflates. https://zlib.net/manual.html
struct InflateStream: ~Copyable {
    enum Outcome {
        case goesOn
        /// The end of the stream, checksum included.
        case ended
    }

    /// zlib keeps a pointer to it.
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

    /// Bytes of data taken since the beginning of this stream, or the last ``reset()``.
    var bytesRead: Int { Int(stream.pointee.total_in) }

    /// Begins a new stream of the same format.
    mutating func reset() { inflateReset(stream) }

    /// - Parameter input: loses what was taken.
    /// - Returns: how many bytes were written to `output`; 0 if more data is needed.
    mutating func inflate(
        _ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(CodingError) -> (count: Int, outcome: Outcome) {
        let (code, count) = stream.run(&input, into: output) { CZlib.inflate($0, Z_NO_FLUSH) }
        switch code {
        // Z_BUF_ERROR: nothing to take, or no room; no harm done.
        case Z_OK, Z_BUF_ERROR:
            return (count, .goesOn)
        case Z_STREAM_END:
            return (count, .ended)
        case Z_MEM_ERROR:
            throw CodingError(.outOfMemory, "out of memory for decoding")
        default:
            let reason = code == Z_NEED_DICT ? "needs a dictionary" : stream.message
            throw CodingError(.corrupt, "the data is corrupt: \(reason)")
        }
    }
}
