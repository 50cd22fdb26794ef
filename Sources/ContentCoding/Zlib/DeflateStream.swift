internal import CZlib

/// A `z_stream` that compresses. https://zlib.net/manual.html
struct DeflateStream: ~Copyable {
    /// zlib's default. 9 would make the output less than 0.1 % smaller and take 128 KiB more memory.
    private static let memoryLevel: CInt = 8

    /// At a fixed address, because zlib stores a pointer to it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// - Parameter level: 0, no compression, to 9, smallest.
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

    /// Starts a new stream with the same settings.
    mutating func reset() { deflateReset(stream) }

    /// Sets the content to which the start of a new stream may refer. Only for ``ZFormat/raw``.
    mutating func setWindow(_ window: UnsafeRawBufferPointer) {
        deflateSetDictionary(stream, window.baseAddress?.assumingMemoryBound(to: Bytef.self), uInt(window.count))
    }

    /// - Parameters:
    ///   - input: the bytes that were read are removed.
    ///   - mode: with `flush`, the output ends at a byte boundary (RFC 1951 §3.2.4).
    /// - Returns: the number of bytes written. If it is `output.count`, there may be more.
    mutating func deflate(
        _ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, _ mode: ContentEncoder.Mode
    ) -> Int {
        var written = 0
        while written < output.count {
            let available = input.count
            // Do not flush or finish before zlib has got all of the input.
            let code = available > UnsafeMutablePointer<z_stream>.reach ? Z_NO_FLUSH : mode.code
            let room = UnsafeMutableRawBufferPointer(rebasing: output[written...])
            // The only possible errors are input after the end, and Z_BUF_ERROR, which means that there was nothing to
            // do.
            let count = stream.run(&input, into: room) { CZlib.deflate($0, code) }.count
            if count == 0, input.count == available { break }
            written += count
        }
        return written
    }
}

extension ContentEncoder.Mode {
    fileprivate var code: CInt {
        switch self {
        case .more: Z_NO_FLUSH
        case .flush: Z_SYNC_FLUSH
        case .finish: Z_FINISH
        }
    }
}
