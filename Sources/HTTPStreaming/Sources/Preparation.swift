internal import ContentCoding

/// Opens and measures the sources of one call; see ``Content``. Used by one thread at a time, which may block.
final class Preparation {
    /// Whether preparing content may block.
    enum Blocking {
        case never
        /// If the file cannot be opened from what the system has in memory.
        case toOpen(Path)
        case always

        /// All parts together. More than one file is `always`: for many, one change of threads takes less time than
        /// asking about each of them.
        init(of parts: [Part]) {
            self = .never
            for case let blocking in parts.lazy.map(\.content.blocking) {
                switch (self, blocking) {
                case (_, .never): continue
                case (.never, _): self = blocking
                case (.toOpen, _), (.always, _): self = .always
                }
            }
        }
    }

    /// Whether to detect content that is already compressed.
    let recognizesCompressed: Bool
    /// The name in errors for sources without a name of their own.
    var name: String?
    private var claimed: Set<ObjectIdentifier> = []
    private var hasFile = false

    /// How many bytes of content that can be read only once are kept after they were sent; 0 for none.
    private let window: Int

    init(recognizesCompressed: Bool, window: Int = 0) {
        self.recognizesCompressed = recognizesCompressed
        self.window = window
    }

    /// The source of content that can be read only once, with a copy of its last bytes if it may be resumed.
    func keeping(_ source: any Source) -> any Source {
        window > 0 ? WindowSource(source, limit: window) : source
    }

    /// Whether the next file may stay open until it is read. True for the first file of a call only, to limit the
    /// number of open descriptors.
    func mayStayOpen() -> Bool {
        defer { hasFile = true }
        return !hasFile
    }

    /// Notes that the call uses a source that can be read only once.
    ///
    /// - Throws: ``ClientError/Code/cannotSendAgain`` if it has been read from, ``ClientError/Code/invalidPart`` if
    ///   this call uses it twice.
    func claim(_ once: ReadOnce, _ name: String) throws(ClientError) {
        guard !once.isBegun else { throw ClientError.notRepeatable(name) }
        guard claimed.insert(ObjectIdentifier(once)).inserted else {
            throw ClientError(.invalidPart, "\(name): given twice, but the source can be read only once")
        }
    }

    /// - Throws: ``ClientError/Code/invalidPart`` if the length is negative.
    func check(_ length: Int64?, _ name: String) throws(ClientError) {
        guard length ?? 0 >= 0 else { throw ClientError(.invalidPart, "\(name): the length is negative") }
    }
}

extension Preparation {
    /// - Parameter read: returns the first bytes of the content, at most as many as its argument.
    func isCompressed(_ read: (Int) throws(ClientError) -> [UInt8]) throws(ClientError) -> Bool {
        guard recognizesCompressed else { return false }
        return CompressedFormat.isRecognized(try read(CompressedFormat.signatureLength))
    }
}
