/// The content of one part, read from an offset on. Agent's thread only; holds the file open.
struct PartSource: ByteSource {
    let isCompressed: Bool
    private let content: PreparedPart.Content
    private(set) var offset: Int64
    private var file: FileReader?

    var isAtEnd: Bool { offset == content.length }

    init(_ part: PreparedPart, offset: Int64 = 0) {
        isCompressed = part.isCompressed
        content = part.content
        self.offset = offset
    }

    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> BodyRead {
        let left = content.length - offset
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), left))])
        switch content {
        case .bytes(let bytes):
            room.copyBytes(from: bytes[Int(offset)...].prefix(room.count))
            offset += Int64(room.count)
            return room.isEmpty ? .end : .bytes(room.count)
        case .file(let path, let identity, let range):
            return try read(try open(path, identity, at: range.lowerBound + offset), into: room, left: left)
        }
    }

    private mutating func read(
        _ file: FileReader, into room: UnsafeMutableRawBufferPointer, left: Int64
    ) throws(ClientError) -> BodyRead {
        let count = room.isEmpty ? 0 : try file.fill(room)
        guard count > 0 || left == 0 else {
            throw ClientError(
                .sourceChanged,
                "\(file.path): the file ended after \(offset) bytes of \(content.length): it shrank while it was being sent"
            )
        }
        // Before its last bytes are let go, so that a server never gets the whole of a document
        // that is not what it claims to be.
        if Int64(count) == left { try file.checkUnchanged() }
        offset += Int64(count)
        return count == 0 ? .end : .bytes(count)
    }

    private mutating func open(
        _ path: String, _ identity: FileReader.Identity, at position: Int64
    ) throws(ClientError) -> FileReader {
        if let file { return file }
        let opened = try FileReader(path: path)
        guard opened.identity == identity else {
            throw ClientError(.sourceChanged, "\(path): the file was changed before it was sent")
        }
        if position > 0 { try opened.seek(to: position) }
        file = opened
        return opened
    }
}
