internal import ContentCoding

/// Opens and measures the sources of one call; see ``Content``. Used by one thread, which may block.
final class Preparation {
    /// Whether it matters which content is compressed already.
    let recognizesCompressed: Bool
    /// How errors call a source that has no name of its own.
    var name: String?
    private var claimed: Set<ObjectIdentifier> = []
    private var hasFile = false

    init(recognizesCompressed: Bool) { self.recognizesCompressed = recognizesCompressed }

    /// Whether the next file may stay open until it is read: the first of a call only, since there may be more files
    /// than a process may have descriptors.
    func mayStayOpen() -> Bool {
        defer { hasFile = true }
        return !hasFile
    }

    /// Notes that the call reads a source that can be read once only.
    ///
    /// - Throws: ``ClientError`` if it is read already, or twice by this call.
    func claim(_ once: ReadOnce, _ name: String) throws(ClientError) {
        guard !once.isBegun else { throw ClientError.notRepeatable(name) }
        guard claimed.insert(ObjectIdentifier(once)).inserted else {
            throw ClientError(.invalidPart, "\(name): given twice, and the source can be read once only")
        }
    }

    /// - Throws: ``ClientError/Code/invalidPart`` for a length below zero.
    func check(_ length: Int64?, _ name: String) throws(ClientError) {
        guard length ?? 0 >= 0 else { throw ClientError(.invalidPart, "\(name): its length is less than zero") }
    }
}

extension Preparation {
    /// - Parameter read: returns the first bytes of the content, at most that many.
    func isCompressed(_ read: (Int) throws(ClientError) -> [UInt8]) throws(ClientError) -> Bool {
        guard recognizesCompressed else { return false }
        return CompressedFormat.isRecognized(try read(CompressedFormat.signatureLength))
    }
}
