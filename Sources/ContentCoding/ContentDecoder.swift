/// Decodes one stream of a content coding incrementally and checks its checksums. Does no I/O and takes about 40 KiB of
/// memory.
///
/// It accepts several gzip members in sequence (RFC 1952 §2.2), and ignores zeros after the last one. For `deflate` it
/// also accepts raw DEFLATE data, which has no checksum: some senders write it, although the coding means the zlib
/// format (RFC 9110 §8.4.1.2).
public struct ContentDecoder: ~Copyable {
    private enum State {
        /// No data has been read. → `inStream`, `failed`
        case start
        /// → `betweenMembers`, `ended`, `failed`
        case inStream
        /// After a gzip member. Another one or padding may follow. → `inStream`, `inPadding`, `failed`
        case betweenMembers
        /// In the zeros after the last gzip member. Nothing else may follow. → `failed`
        ///
        /// Tapes and some servers pad with zeros, and gzip(1), curl and Python ignore them. It makes nothing ambiguous: a
        /// member begins with 0x1F, so zeros belong to none, and the length and the checksum of every member have been
        /// verified before. A decoder that refuses zeros finds the same content.
        case inPadding
        /// After the end. Nothing may follow. → `failed`
        case ended
        case failed(CodingError)
    }

    private let coding: Coding
    private let limits: DecodingLimits
    private var state = State.start
    private var stream: InflateStream?
    private var isFirstMember = true
    /// The number of bytes of encoded data read so far.
    public private(set) var bytesRead = 0
    /// The number of bytes of content decoded so far.
    public private(set) var bytesDecoded = 0

    /// Makes a decoder for one stream. It allocates memory at the first byte.
    ///
    /// - Parameters:
    ///   - coding: the coding of the stream.
    ///   - limits: default: no limits. ``DecodingLimits/ratio`` must be 1 or more.
    public init(_ coding: Coding, limits: DecodingLimits = DecodingLimits()) {
        precondition(limits.ratio > 0, "a ratio is 1 or more")
        self.coding = coding
        self.limits = limits
    }

    /// Decodes as much data as fits into `output`.
    ///
    /// Call it until it returns less than `output.count`. Then all of `input` has been read, and its content written.
    ///
    /// - Parameters:
    ///   - input: the next piece of the stream, of any length. The bytes that were read are removed.
    ///   - output: a buffer of one byte or more.
    /// - Returns: the number of bytes written to `output`.
    /// - Throws: ``CodingError``. All later calls throw the same error.
    public mutating func decode(
        _ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(CodingError) -> Int {
        precondition(!output.isEmpty, "there must be room for output")
        var written = 0
        do throws(CodingError) {
            while written < output.count {
                let room = UnsafeMutableRawBufferPointer(rebasing: output[written...])
                guard let count = try step(&input, room) else { break }
                written += count
            }
        } catch {
            state = .failed(error)
            throw error
        }
        return written
    }

    /// Checks that the stream is complete. Call it at the end of the data.
    ///
    /// - Throws: ``CodingError/Code/truncated`` if the stream is incomplete or there was no data at all, or the error
    ///   that ``decode(_:into:)`` has thrown.
    public mutating func finish() throws(CodingError) {
        switch state {
        case .betweenMembers, .inPadding, .ended:
            return
        case .start, .inStream:
            let error = CodingError(.truncated, "the \(coding) data ends too early")
            state = .failed(error)
            throw error
        case .failed(let error):
            throw error
        }
    }

    /// Returns the number of bytes written, or nil if `input` yields no more content.
    private mutating func step(
        _ input: inout UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(CodingError) -> Int? {
        switch state {
        case .start:
            guard let first = input.first else { return nil }
            stream = try InflateStream(format(startingWith: first))
            state = .inStream
            return 0
        case .inStream:
            return try inflate(&input, output)
        case .betweenMembers:
            guard let first = input.first else { return nil }
            guard first != 0 else {
                state = .inPadding
                return 0
            }
            guard first == Self.gzipMagic else { throw trailingData }
            stream?.reset()
            isFirstMember = false
            state = .inStream
            return 0
        case .inPadding:
            guard input.allSatisfy({ $0 == 0 }) else { throw trailingData }
            bytesRead += input.count
            input = UnsafeRawBufferPointer(rebasing: input.suffix(0))
            return nil
        case .ended:
            guard input.isEmpty else { throw trailingData }
            return nil
        case .failed(let error):
            throw error
        }
    }

    /// The lower half of the first byte is 8 in the zlib format (RFC 1950 §2.2). Raw DEFLATE data could begin so only
    /// with a stored block that has a bit set in its padding, which no encoder writes.
    private func format(startingWith first: UInt8) -> ZFormat {
        switch coding {
        case .gzip: .gzip
        case .deflate: first & 0x0F == 8 ? .zlib : .raw
        }
    }

    /// The first byte of a gzip member (RFC 1952 §2.3.1).
    private static let gzipMagic: UInt8 = 0x1F

    private var trailingData: CodingError {
        CodingError(.trailingData, "more data follows after the end of the \(coding) data")
    }

    private mutating func inflate(
        _ input: inout UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(CodingError) -> Int? {
        let available = input.count
        let result: (count: Int, hasEnded: Bool)?
        do throws(CodingError) {
            result = try stream?.inflate(&input, into: output)
        } catch {
            // Bytes after a member that do not begin a new one are not part of the stream.
            throw !isFirstMember && (stream?.bytesRead ?? 0) <= 2 ? trailingData : error
        }
        guard let result else { preconditionFailure("a stream in the state inStream") }
        let taken = available - input.count
        bytesRead += taken
        bytesDecoded += result.count
        try limits.check(decoded: bytesDecoded, from: bytesRead)
        if result.hasEnded { state = coding == .gzip ? .betweenMembers : .ended }
        return result.hasEnded || taken > 0 || result.count > 0 ? result.count : nil
    }
}
