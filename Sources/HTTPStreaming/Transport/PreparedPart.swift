internal import ContentCoding
internal import Multipart
internal import Platform

/// A part ready to be sent: its framing is made, and where it is a file, the file has been looked
/// at.
struct PreparedPart: Sendable {
    enum Content: Sendable {
        case bytes([UInt8])
        case file(FileContent)
        case descriptor(DescriptorContent, length: Int64?)
        case stream(StreamContent)
        /// What a ``DuplexStream`` is given.
        case pipe(StreamQueue, ReadOnce)

        /// Nil if it is not known.
        var length: Int64? {
            switch self {
            case .bytes(let bytes): Int64(bytes.count)
            case .file(let content): Int64(content.range.count)
            case .descriptor(_, let length): length
            case .stream(let content): content.length
            case .pipe: nil
            }
        }

        /// What errors call the source.
        var name: String {
            switch self {
            case .bytes: "bytes"
            case .file(let content): content.name
            case .descriptor(let content, _): content.name
            case .stream(let content): content.name
            case .pipe: "what was written to the stream"
            }
        }
    }

    /// As the caller has named it; nil for what is no part to him.
    let name: String?
    let filename: String?
    /// The framing before the content.
    let opening: [UInt8]
    /// The framing behind it.
    let ending: [UInt8]
    /// As its source has it.
    let content: Content
    /// What it is compressed with on its way; nil if it is sent as it is.
    let gzipLevel: Int?
    /// Whether the content, as it is sent, is known to be compressed.
    let isCompressed: Bool

    /// Looks at the part's source; blocks for as long as a file system takes.
    ///
    /// - Parameters:
    ///   - recognizesCompressed: whether it matters what is compressed.
    ///   - staysOpen: whether a file is to be left open, to be read soon: the parts of a request may be
    ///     more than the descriptors that a process may have.
    init(
        _ part: Part, encoder: MultipartEncoder, recognizesCompressed: Bool, staysOpen: Bool = false
    ) throws(ClientError) {
        do throws(MultipartError) {
            opening = try encoder.opening(of: part.head)
        } catch {
            throw ClientError(.invalidPart, "the part \(part.head.name) cannot be sent: \(error)", underlying: error)
        }
        guard (0...9).contains(part.gzipLevel ?? 0) else {
            throw ClientError(.invalidPart, "the part \(part.head.name) cannot be sent: its gzip level is not 0 to 9")
        }
        name = part.head.name
        filename = part.head.filename
        ending = MultipartEncoder.partEnd
        var start: [UInt8] = []
        let signatureLength = recognizesCompressed ? CompressedFormat.signatureLength : 0
        switch part.source {
        case .bytes(let bytes):
            content = .bytes(bytes)
            start = Array(bytes.prefix(signatureLength))
        case .file(let path, let range):
            let file = try FileReader(path: path)
            content = .file(try FileContent(file, range: range, canReopen: true, staysOpen: staysOpen))
            start = try file.bytes(at: range?.lowerBound ?? 0, atMost: signatureLength)
        case .descriptor(let descriptor, let length, let once):
            content = try Self.content(of: descriptor, length: length, once, name: part.head.filename ?? part.head.name)
            if case .file(let content) = content, let file = content.takeOpened() {
                start = try file.bytes(at: content.range.lowerBound, atMost: signatureLength)
            }
        case .stream(let stream):
            guard stream.once?.isBegun != true else { throw ClientError.usedUp(stream.name) }
            try Self.check(stream.length, of: stream.name)
            content = .stream(stream)
        }
        gzipLevel = part.gzipLevel
        isCompressed = recognizesCompressed && (gzipLevel != nil || CompressedFormat.isRecognized(start))
    }

    /// A whole body, without framing.
    init(_ pipe: StreamQueue) {
        name = nil
        filename = nil
        opening = []
        ending = []
        content = .pipe(pipe, ReadOnce())
        gzipLevel = nil
        isCompressed = false
    }

    /// - Parameter descriptor: stays the caller's, who may close it.
    private static func content(
        of descriptor: Int32, length: Int64?, _ once: ReadOnce, name: String
    ) throws(ClientError) -> Content {
        try check(length, of: name)
        var status = stat()
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard own >= 0, fstat(own, &status) == 0 else { throw ClientError.unreadable(name, SystemError(code: errno)) }
        // Of one that is open for writing only, poll(2) would never say that there is something to read.
        guard fcntl(own, F_GETFL) & O_ACCMODE != O_WRONLY else {
            _ = close(own)
            throw ClientError(.sourceUnreadable, "\(name): the descriptor is open for writing only")
        }
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG || kind == S_IFDIR else {
            guard !once.isBegun else {
                _ = close(own)
                throw ClientError.usedUp(name)
            }
            let content = DescriptorContent(owning: own, name: name, once: once, isSocket: kind == S_IFSOCK)
            return .descriptor(content, length: length)
        }
        let file = try FileReader(owning: own, name: name)
        let start = min(max(0, Int64(lseek(own, 0, SEEK_CUR))), file.identity.size)
        let left = file.identity.size - start
        guard length ?? 0 <= left else {
            throw ClientError(.sourceUnreadable, "\(name): has \(left) bytes, not \(length ?? 0)")
        }
        let range = start..<(start + (length ?? left))
        return .file(try FileContent(file, range: range, canReopen: false, staysOpen: true))
    }

    private static func check(_ length: Int64?, of name: String) throws(ClientError) {
        guard length ?? 0 >= 0 else { throw ClientError(.invalidPart, "\(name): its length is less than zero") }
    }

    /// Of the whole part, framing included; nil if it is not known before it is sent, or beyond all
    /// numbers.
    var length: Int64? {
        guard gzipLevel == nil, let length = content.length else { return nil }
        let (sum, isBeyond) = length.addingReportingOverflow(Int64(opening.count + ending.count))
        return isBeyond ? nil : sum
    }

    /// What keeping the part costs in memory.
    var footprint: Int {
        switch content {
        case .bytes(let bytes): opening.count + bytes.count
        case .file(let content): opening.count + content.name.utf8.count
        case .descriptor, .stream, .pipe: opening.count
        }
    }

    /// Nil if the content can be read more than once.
    var once: ReadOnce? {
        switch content {
        case .bytes, .file: nil
        case .descriptor(let content, _): content.once
        case .stream(let content): content.once
        case .pipe(_, let once): once
        }
    }

    /// The name of the source, if it can be read once only, and something has been read of it.
    var usedUp: String? { once?.isBegun == true ? content.name : nil }

    /// Nothing of it is wanted any more: who writes it is told.
    func abandon() {
        if case .pipe(let pipe, _) = content { pipe.close() }
    }
}
