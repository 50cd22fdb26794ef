/// Decodes content, as it comes, from one stream of a coding, and checks its checksums. Does no
/// I/O; holds some 40 KiB.
///
/// It takes what is sent in practice: several gzip members one behind the other (RFC 1952 §2.2),
/// and for `deflate` raw DEFLATE data too, which is not what the coding's name means.
public struct ContentDecoder: ~Copyable {
    private enum State {
        /// Nothing has come, or the first byte of `deflate`, which alone does not tell the format.
        /// → `inStream`
        case start
        /// → `betweenMembers`, `ended`, `failed`
        case inStream
        /// Behind a gzip member; another one may follow. → `inStream`, `failed`
        case betweenMembers
        /// Behind the end; nothing may follow. → `failed`
        case ended
        case failed(CodingError)
    }

    private let coding: Coding
    private let limits: DecodingLimits
    private var state = State.start
    private var stream: InflateStream?
    private var firstByte: UInt8?
    private var isFirstMember = true
    /// Bytes of data taken so far.
    public private(set) var bytesRead = 0
    /// Bytes of content given out so far.
    public private(set) var bytesDecoded = 0

    public init(_ coding: Coding, limits: DecodingLimits = DecodingLimits()) {
        self.coding = coding
        self.limits = limits
    }

    /// Decodes as much as there is room for.
    ///
    /// Call it until it returns less than `output.count`: then all of `input` has been taken, and
    /// all that it stands for has been given out.
    ///
    /// - Parameters:
    ///   - input: loses what was taken. A stream may be cut anywhere.
    ///   - output: not empty; of any size otherwise.
    /// - Returns: how many bytes were written.
    /// - Throws: ``CodingError``, from then on always the same.
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

    /// Says that no more data comes.
    ///
    /// - Throws: ``CodingError/Code/truncated`` if the stream is not complete, also where nothing
    ///   at all has come; or the error that came before.
    public mutating func finish() throws(CodingError) {
        switch state {
        case .betweenMembers, .ended: return
        case .start, .inStream: throw CodingError(.truncated, "the \(coding) data is cut off")
        case .failed(let error): throw error
        }
    }

    /// Nil if nothing more comes of `input`.
    private mutating func step(
        _ input: inout UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(CodingError) -> Int? {
        switch state {
        case .start:
            return try begin(&input, output)
        case .inStream:
            return try inflate(&input, output)
        case .betweenMembers:
            guard let first = input.first else { return nil }
            guard first == Self.gzipMagic else { throw trailingData }
            stream?.reset()
            isFirstMember = false
            state = .inStream
            return 0
        case .ended:
            guard input.isEmpty else { throw trailingData }
            return nil
        case .failed(let error):
            throw error
        }
    }

    private mutating func begin(
        _ input: inout UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(CodingError) -> Int? {
        switch coding {
        case .gzip:
            guard !input.isEmpty else { return nil }
            stream = try InflateStream(.gzip)
            state = .inStream
            return 0
        case .deflate:
            guard let first = firstByte ?? input.first else { return nil }
            if firstByte == nil { input = UnsafeRawBufferPointer(rebasing: input.dropFirst()) }
            firstByte = first
            guard let second = input.first else { return nil }
            stream = try InflateStream(Self.isZlibHeader(first, second) ? .zlib : .raw)
            state = .inStream
            let count: Int? = try withUnsafeBytes(of: first) { (bytes) throws(CodingError) in
                var bytes = bytes
                return try inflate(&bytes, output)
            }
            return count ?? 0
        }
    }

    /// The first byte of a gzip member (RFC 1952 §2.3.1).
    private static let gzipMagic: UInt8 = 0x1F

    private var trailingData: CodingError {
        CodingError(.trailingData, "more data follows behind the end of the \(coding) data")
    }

    /// RFC 1950 §2.2. As the start of raw DEFLATE data it would be a stored block with a bit set in
    /// its padding, which nobody writes.
    private static func isZlibHeader(_ first: UInt8, _ second: UInt8) -> Bool {
        first & 0x0F == 8 && first >> 4 <= 7 && (Int(first) << 8 | Int(second)).isMultiple(of: 31)
    }

    private mutating func inflate(
        _ input: inout UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(CodingError) -> Int? {
        let available = input.count
        let result: (count: Int, outcome: InflateStream.Outcome)?
        do throws(CodingError) {
            result = try stream?.inflate(&input, into: output)
        } catch {
            // What is behind a member and does not begin as one is no part of the stream.
            throw !isFirstMember && (stream?.bytesRead ?? 0) <= 2 ? trailingData : error
        }
        guard let result else { preconditionFailure("a stream in the state inStream") }
        bytesRead += available - input.count
        bytesDecoded += result.count
        try limits.check(decoded: bytesDecoded, from: bytesRead)
        switch result.outcome {
        case .ended:
            state = coding == .gzip ? .betweenMembers : .ended
            return result.count
        case .goesOn:
            return result.count > 0 ? result.count : nil
        }
    }
}
