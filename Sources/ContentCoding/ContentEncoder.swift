/// Encodes content incrementally into one stream of a content coding. Does no I/O and takes about 270 KiB of memory.
public struct ContentEncoder: ~Copyable {
    /// What ``encode(_:into:_:)`` does with content that it has not encoded yet.
    public enum Mode: Sendable {
        /// Keeps content that compresses better together with later content.
        case more
        /// Encodes all content so far, so that a receiver can decode it now. The stream becomes slightly larger.
        case flush
        /// Encodes all content and ends the stream.
        case finish
    }

    /// With less room, zlib could repeat a flush forever. https://zlib.net/manual.html#Basic, under `deflate`
    private static let leastRoom = 64

    private var stream: DeflateStream
    /// Encoded bytes that did not fit into the last buffer.
    private var held: ArraySlice<UInt8> = []

    /// Makes an encoder for one stream.
    ///
    /// - Parameters:
    ///   - coding: the coding of the stream.
    ///   - level: 0, no compression, to 9, smallest. Default: 6.
    /// - Throws: ``CodingError/Code/outOfMemory``.
    public init(_ coding: Coding, level: Int = 6) throws(CodingError) {
        stream = try DeflateStream(coding == .gzip ? .gzip : .zlib, level: level)
    }

    /// Encodes as much content as fits into `output`.
    ///
    /// Call it with the same mode until it returns less than `output.count`. Then all of `input` has been read, and the
    /// stream has been flushed or ended as the mode says. After the end it writes nothing.
    ///
    /// - Parameters:
    ///   - input: the next content. The bytes that were read are removed.
    ///   - output: a buffer of one byte or more.
    ///   - mode: what to do with content that compresses better together with later content.
    /// - Returns: the number of bytes written to `output`.
    public mutating func encode(
        _ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, _ mode: Mode
    ) -> Int {
        precondition(!output.isEmpty, "there must be room for output")
        var written = held.move(to: output)
        while written < output.count {
            let room = UnsafeMutableRawBufferPointer(rebasing: output[written...])
            if room.count >= Self.leastRoom { return written + stream.deflate(&input, into: room, mode) }
            let isLast = withUnsafeTemporaryAllocation(byteCount: Self.leastRoom, alignment: 1) { staging in
                let count = stream.deflate(&input, into: staging, mode)
                held = Array(staging[..<count])[...]
                return count < staging.count
            }
            written += held.move(to: room)
            if isLast { break }
        }
        return written
    }
}

extension ArraySlice<UInt8> {
    /// Copies as many bytes as fit to the start of `output`, and removes them.
    ///
    /// - Returns: their number.
    package mutating func move(to output: UnsafeMutableRawBufferPointer) -> Int {
        let count = Swift.min(count, output.count)
        output.copyBytes(from: prefix(count))
        self = dropFirst(count)
        // An empty slice would keep the memory of its array.
        if isEmpty { self = [] }
        return count
    }
}
