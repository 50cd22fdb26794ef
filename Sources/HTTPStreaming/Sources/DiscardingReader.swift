/// Reads a source from an offset which can only be read from its beginning: discards the bytes before.
final class DiscardingReader: SourceReader {
    /// The number of bytes discarded before the agent serves other clients.
    private static let bytesAtOnce: Int64 = 1 << 20

    private let plain: any SourceReader
    private let name: String
    private let context: ReadContext
    /// The number of bytes to discard.
    private var left: Int64

    init(_ plain: any SourceReader, name: String, discarding count: Int64, _ context: ReadContext) {
        self.plain = plain
        self.name = name
        self.context = context
        left = count
    }

    var isCompressed: Bool { plain.isCompressed }
    var isAtEnd: Bool { left == 0 && plain.isAtEnd }
    var bytesRead: Int64 { plain.bytesRead }
    var currentPart: UploadProgress.Part? { plain.currentPart }
    var awaitedDescriptor: Int32? { plain.awaitedDescriptor }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        let pause = left - Self.bytesAtOnce
        while left > 0 {
            guard left > pause else {
                context.onContent()
                return .waiting
            }
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(min(left, Int64(buffer.count)))))
            switch try plain.read(into: room) {
            case .bytes(let count): left -= Int64(count)
            case .end:
                throw ClientError(.sourceChanged, "\(name): the source is shorter than when it was sent before")
            case let nothing: return nothing
            }
        }
        return try plain.read(into: buffer)
    }

    func readAhead() throws(ClientError) { try plain.readAhead() }
    func appendEmptyBlock() { plain.appendEmptyBlock() }
}
