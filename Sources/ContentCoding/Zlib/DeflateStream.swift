internal import CZlib

/// A `z_stream` that deflates. https://zlib.net/manual.html
struct DeflateStream: ~Copyable {
    enum Flush {
        /// Writes when it likes to.
        case none
        /// Writes all that was given, up to a byte's boundary (RFC 1951 §3.2.4).
        case sync
        /// Writes all that was given, and the stream's end.
        case finish

        fileprivate var code: CInt {
            switch self {
            case .none: Z_NO_FLUSH
            case .sync: Z_SYNC_FLUSH
            case .finish: Z_FINISH
            }
        }
    }

    /// zlib's default: with 9, smaller output by a few bytes in ten thousand, and 128 KiB more.
    private static let memoryLevel: CInt = 8

    /// zlib keeps a pointer to it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// - Parameter level: 0, stored, to 9, smallest.
    init(_ format: ZFormat, level: Int) throws(CodingError) {
        precondition((0...9).contains(level), "a level is from 0 to 9")
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard czlib_deflate_init(stream, CInt(level), format.rawValue, Self.memoryLevel) == Z_OK else {
            stream.deallocate()
            throw CodingError(.outOfMemory, "out of memory for encoding")
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Begins a new stream, with the same settings.
    mutating func reset() { deflateReset(stream) }

    /// Has the next content, at the beginning of a stream, refer to what is said to have been
    /// before it. Only for ``ZFormat/raw``.
    mutating func setWindow(_ window: UnsafeRawBufferPointer) {
        deflateSetDictionary(stream, window.baseAddress?.assumingMemoryBound(to: Bytef.self), uInt(window.count))
    }

    /// - Parameter input: loses what was taken.
    /// - Returns: how many bytes were written; with all of `output` full, there may be more.
    mutating func deflate(
        _ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, _ flush: Flush
    ) -> Int {
        var written = 0
        while written < output.count {
            let available = input.count
            // A flush, or the end, must not come before what is behind zlib's reach.
            let code = available > UnsafeMutablePointer<z_stream>.reach ? Z_NO_FLUSH : flush.code
            let room = UnsafeMutableRawBufferPointer(rebasing: output[written...])
            // The only errors are those of a caller who goes on behind the end, and Z_BUF_ERROR,
            // which says that there was nothing to do.
            let count = stream.run(&input, into: room) { CZlib.deflate($0, code) }.count
            if count == 0, input.count == available { break }
            written += count
        }
        return written
    }
}
