/// Bytes in memory.
final class MemorySource: Source {
    let bytes: [UInt8]
    let isCompressed: Bool

    init(bytes: [UInt8], isCompressed: Bool) {
        self.bytes = bytes
        self.isCompressed = isCompressed
    }

    var name: String { "bytes" }
    var length: Int64? { Int64(bytes.count) }
    var footprint: Int { bytes.count }
    var isInMemory: Bool { true }
    /// Only short content: the journal holds all of it.
    var journalEntry: UploadJournal.Entry? { bytes.count <= 64 << 10 ? .bytes(bytes) : nil }

    func reader(at offset: Int64, _ context: ReadContext) -> any SourceReader {
        MemoryReader(bytes, offset: offset, isCompressed: isCompressed)
    }
}

private final class MemoryReader: SourceReader {
    let isCompressed: Bool
    private(set) var bytesRead: Int64
    private let bytes: [UInt8]

    init(_ bytes: [UInt8], offset: Int64, isCompressed: Bool) {
        self.bytes = bytes
        bytesRead = offset
        self.isCompressed = isCompressed
    }

    var isAtEnd: Bool { bytesRead == bytes.count }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadOutcome {
        let count = min(bytes.count - Int(bytesRead), buffer.count)
        guard count > 0 else { return .end }
        buffer.copyBytes(from: bytes[Int(bytesRead)...].prefix(count))
        bytesRead += Int64(count)
        return .bytes(count)
    }
}
