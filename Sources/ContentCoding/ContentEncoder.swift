/// Encodes content, as it comes, into one stream of a coding. Does no I/O; holds some 270 KiB.
public struct ContentEncoder: ~Copyable {
    /// How far ``encode(_:into:_:)`` goes.
    public enum Mode: Sendable {
        /// More comes: what cannot be encoded well yet is kept back.
        case more
        /// Whatever was given comes out, up to a byte's boundary, so that it can be decoded now.
        /// Costs some compression.
        case flush
        /// Nothing more comes.
        case finish
    }

    /// With less room than this, zlib could repeat a flush for ever.
    /// https://zlib.net/manual.html#Basic, under `deflate`
    private static let leastRoom = 64

    private var stream: DeflateStream
    /// Encoded bytes for which there was no room yet.
    private var held: ArraySlice<UInt8> = []

    /// - Parameter level: 0, stored, to 9, smallest; 6 unless given.
    /// - Throws: ``CodingError/Code/outOfMemory``.
    public init(_ coding: Coding, level: Int = 6) throws(CodingError) {
        stream = try DeflateStream(coding == .gzip ? .gzip : .zlib, level: level)
    }

    /// Encodes as much as there is room for.
    ///
    /// Call it until it returns less than `output.count`, with the same mode: then all of `input`
    /// has been taken, and the mode's promise is kept. Behind the end it writes nothing.
    ///
    /// - Parameters:
    ///   - input: loses what was taken.
    ///   - output: not empty; of any size otherwise.
    /// - Returns: how many bytes were written.
    public mutating func encode(
        _ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, _ mode: Mode
    ) -> Int {
        precondition(!output.isEmpty, "there must be room for output")
        var written = takeHeld(output)
        while written < output.count {
            let room = UnsafeMutableRawBufferPointer(rebasing: output[written...])
            if room.count >= Self.leastRoom { return written + stream.deflate(&input, into: room, mode.flush) }
            let isLast = withUnsafeTemporaryAllocation(byteCount: Self.leastRoom, alignment: 1) { staging in
                let count = stream.deflate(&input, into: staging, mode.flush)
                held = Array(staging[..<count])[...]
                return count < staging.count
            }
            written += takeHeld(room)
            if isLast { break }
        }
        return written
    }

    private mutating func takeHeld(_ output: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(held.count, output.count)
        output.copyBytes(from: held.prefix(count))
        held = held.dropFirst(count)
        return count
    }
}

extension ContentEncoder.Mode {
    fileprivate var flush: DeflateStream.Flush {
        switch self {
        case .more: .none
        case .flush: .sync
        case .finish: .finish
        }
    }
}
