/// Decodes content, as it comes, from one stream of a coding, and checks its checksums. Does no
/// I/O; holds some 40 KiB.
///
/// It takes what is sent in practice: several gzip members one behind the other (RFC 1952 §2.2),
/// and for `deflate` raw DEFLATE data too, which is not what the coding's name means, and has no
/// checksum.
public struct ContentDecoder: ~Copyable {
    private enum State {
        /// Nothing has come. → `inStream`, `failed`
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
    private var isFirstMember = true
    /// Bytes of data taken so far.
    public private(set) var bytesRead = 0
    /// Bytes of content given out so far.
    public private(set) var bytesDecoded = 0

    public init(_ coding: Coding, limits: DecodingLimits = DecodingLimits()) {
        precondition(limits.ratio > 0, "a ratio is 1 or more")
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
        case .betweenMembers, .ended:
            return
        case .start, .inStream:
            let error = CodingError(.truncated, "the \(coding) data is cut off")
            state = .failed(error)
            throw error
        case .failed(let error):
            throw error
        }
    }

    /// Nil if nothing more comes of `input`.
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

    /// The lower half of the zlib format's first byte is 8 (RFC 1950 §2.2). As the start of raw
    /// DEFLATE data that would be a stored block with a bit set in its padding, which nobody writes.
    private func format(startingWith first: UInt8) -> ZFormat {
        switch coding {
        case .gzip: .gzip
        case .deflate: first & 0x0F == 8 ? .zlib : .raw
        }
    }

    /// The first byte of a gzip member (RFC 1952 §2.3.1).
    private static let gzipMagic: UInt8 = 0x1F

    private var trailingData: CodingError {
        CodingError(.trailingData, "more data follows behind the end of the \(coding) data")
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
        let taken = available - input.count
        bytesRead += taken
        bytesDecoded += result.count
        try limits.check(decoded: bytesDecoded, from: bytesRead)
        switch result.outcome {
        case .ended:
            state = coding == .gzip ? .betweenMembers : .ended
            return result.count
        case .goesOn:
            return taken > 0 || result.count > 0 ? result.count : nil
        }
    }
}
