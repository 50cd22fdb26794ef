/// What bytes are read from, in order.
protocol ByteSource {
    /// Whether what is read next is known to be compressed already.
    var isCompressed: Bool { get }

    /// Fills `buffer`, which is not empty, as far as there is something of one kind, compressed or
    /// not.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> BodyRead
}

/// What a read has brought.
enum BodyRead: Equatable {
    /// So many bytes, at least one.
    case bytes(Int)
    /// Nothing yet: it is being encoded, or the source has none.
    case waiting
    /// Nothing before parts are added.
    case dry
    /// Nothing any more.
    case end
}
