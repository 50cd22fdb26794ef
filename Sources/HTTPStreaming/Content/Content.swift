internal import ContentCoding
internal import Multipart
internal import Platform

/// Where the bytes of a request or of a ``Part`` come from.
///
/// Making a value reads nothing; a file is opened and measured when it is sent. Bytes are read as the network takes
/// them, never ahead of it by more than a buffer, and no thread waits for them.
public struct Content: Sendable {
    /// Opens and measures what is to be sent; may block as `blocking` says.
    private(set) var prepare: @Sendable (Preparation) throws(ClientError) -> any Source
    private let measure: @Sendable () -> Int64?
    let blocking: Preparation.Blocking
    /// Whether the content can be read more than once: only then can a request be sent again, after a redirect or a
    /// lost connection. False for a descriptor, unless it turns out to be a regular file when it is sent, and for a
    /// ``stream(_:length:)`` of a sequence. True for a path, unless it turns out to be that of a pipe or a device.
    public let isRepeatable: Bool
    /// What a ``Part`` is called unless it has a filename; nil for content that is no file by itself.
    let filename: Path?
    /// The media type of a request with this content, unless it names one.
    let mediaType: String?
    /// Whether it is the result of ``gzipped(level:)``.
    private(set) var isGzipped = false
    /// Whether it is the result of ``multipart(_:)``.
    private(set) var isForm = false

    init(
        blocking: Preparation.Blocking, isRepeatable: Bool, filename: Path? = nil, mediaType: String? = nil,
        length: @escaping @Sendable () -> Int64?,
        _ prepare: @escaping @Sendable (Preparation) throws(ClientError) -> any Source
    ) {
        self.prepare = prepare
        measure = length
        self.blocking = blocking
        self.isRepeatable = isRepeatable
        self.filename = filename
        self.mediaType = mediaType
    }

    /// The number of bytes, as far as it is known before they are read; nil for pipes, devices, sequences without a given
    /// length, compressed content, files with ``FileChanges/asRead``, and files that are missing.
    ///
    /// Opens and reads nothing. A file is asked for its size each time (stat(2)), which may block for as long as its file
    /// system takes. Files whose size the system gives as 0 although they have bytes, as in `/proc`, count as empty.
    public var length: Int64? { measure() }

    /// Which bytes of a file to send if it is written to during the upload.
    public enum FileChanges: Hashable, Sendable {
        /// The file must not change: if its length, its time of change or the file itself is another one before its
        /// last byte has been read, the request fails with ``ClientError/Code/sourceChanged``, which names the file.
        case unchanged
        /// The bytes that the file had when it was opened, with their exact length. Bytes appended later are not sent:
        /// for logs. If the file becomes shorter, or is replaced before it is read, the request fails with
        /// ``ClientError/Code/sourceChanged``. Bytes that are overwritten in place are not noticed.
        case prefix
        /// All bytes up to the end that is found by reading, whatever changes meanwhile. The length is unknown, unless a
        /// range is given, so the request is sent chunked. For file systems that do not tell sizes and times of
        /// change exactly. A file that grows faster than it is sent has no end.
        case asRead
    }

    /// A file, or a range of its bytes; or a pipe or device that has a path, such as a FIFO or the `/dev/fd/63` of a
    /// shell's `<(command)`.
    ///
    /// The length and the time of change of a file are noted when it is sent. It is never padded or shortened; by
    /// default a change is an error. A file whose size the system gives as 0 although bytes can be read, as in `/proc`,
    /// and a block device are sent with unknown length, as with ``FileChanges/asRead``.
    ///
    /// A pipe or another device is opened when it is sent, without waiting for its writer, and read up to its end, with
    /// unknown length. It can be read once only, as a ``descriptor(_:length:)``.
    ///
    /// - Parameters:
    ///   - path: absolute, or relative to the working directory.
    ///   - range: the bytes to send, the first of the file being 0; all by default. A range that goes beyond the end
    ///     of the file is an error when it is sent, ``ClientError/Code/sourceUnreadable``, as is a range of a pipe.
    ///   - changes: which bytes to send if the file is written to during the upload; by default that is an error.
    public static func file(
        _ path: Path, range: Range<Int64>? = nil, changes: FileChanges = .unchanged
    ) -> Content {
        let filename = path.lastComponent
        let once = ReadOnce()
        return Content(
            blocking: .toOpen(path), isRepeatable: true, filename: filename,
            mediaType: MediaType.guess(filename: filename),
            length: { range.map { Int64($0.count) } ?? (changes == .asRead ? nil : DescriptorSource.length(of: path)) }
        ) { (preparation) throws(ClientError) in
            try DescriptorSource.prepare(path, range: range, changes: changes, once, preparation)
        }
    }

    /// See ``file(_:range:changes:)-(Path,_,_)``.
    public static func file(
        _ path: String, range: Range<Int64>? = nil, changes: FileChanges = .unchanged
    ) -> Content {
        file(Path(path), range: range, changes: changes)
    }

    /// Bytes from memory.
    public static func bytes(_ bytes: [UInt8]) -> Content { memory(bytes, mediaType: nil) }

    /// Text in UTF-8.
    public static func text(_ text: String) -> Content {
        memory(Array(text.utf8), mediaType: "text/plain; charset=utf-8")
    }

    private static func memory(_ bytes: [UInt8], mediaType: String?) -> Content {
        Content(blocking: .never, isRepeatable: true, mediaType: mediaType, length: { Int64(bytes.count) }) {
            (preparation) throws(ClientError) in
            let isCompressed = try preparation.isCompressed { Array(bytes.prefix($0)) }
            return MemorySource(bytes: bytes, isCompressed: isCompressed)
        }
    }

    /// An open file descriptor: a pipe, a socket, a device.
    ///
    /// It can be read once only, so that a request with it is not sent again. A regular file is read from the
    /// descriptor's position on, without moving that, and treated as ``file(_:range:changes:)-(Path,_,_)`` is.
    ///
    /// - Parameters:
    ///   - descriptor: open for reading. It stays the caller's, who may close it when the call that sends it has
    ///     returned, and must not read from it before.
    ///   - length: the number of bytes to send; more are left unread, and fewer are an error,
    ///     ``ClientError/Code/sourceChanged``. By default all bytes up to the end are sent, and, unless it is a
    ///     regular file, the request is sent chunked.
    public static func descriptor(_ descriptor: Int32, length: Int64? = nil) -> Content {
        let once = ReadOnce()
        return Content(
            blocking: .always, isRepeatable: false, filename: "file",
            length: { length ?? DescriptorSource.length(of: descriptor) }
        ) { (preparation) throws(ClientError) in
            let name = preparation.name ?? (descriptor == STDIN_FILENO ? "standard input" : "descriptor \(descriptor)")
            return try DescriptorSource.prepare(descriptor, length: length, once, name: name, preparation)
        }
    }

    /// Standard input, up to its end; see ``descriptor(_:length:)``.
    public static var standardInput: Content { descriptor(STDIN_FILENO) }

    /// The chunks of an asynchronous sequence. It can be read once only, so that a request with it is not sent again.
    ///
    /// The sequence is asked for its next chunk when the network has taken most of the chunks before: at most 64 KiB
    /// and one chunk are held. Chunks may have any length. A task of its own iterates over the sequence; it is
    /// cancelled when the request ends first.
    ///
    /// - Parameters:
    ///   - sequence: an error that it throws fails the request with ``ClientError/Code/sourceUnreadable``, and is the
    ///     `underlying` error.
    ///   - length: of all chunks, in bytes. Any other number of bytes is an error, ``ClientError/Code/sourceChanged``,
    ///     and the server never receives the last byte. By default the request is sent chunked.
    public static func stream<Chunks: AsyncSequence & Sendable>(_ sequence: Chunks, length: Int64? = nil) -> Content
    where Chunks.Element: Collection<UInt8> & SendableMetatype, Chunks.AsyncIterator: SendableMetatype {
        stream(length, ReadOnce()) { sequence }
    }

    /// The chunks of a sequence that can be made again: `makeSequence` is called each time that the content is sent,
    /// and must give the same bytes each time.
    public static func stream<Chunks: AsyncSequence & SendableMetatype>(
        length: Int64? = nil, makeSequence: @escaping @Sendable () async throws -> Chunks
    ) -> Content where Chunks.Element: Collection<UInt8> & SendableMetatype, Chunks.AsyncIterator: SendableMetatype {
        stream(length, nil, makeSequence)
    }

    private static func stream<Chunks: AsyncSequence & SendableMetatype>(
        _ length: Int64?, _ once: ReadOnce?, _ makeSequence: @escaping @Sendable () async throws -> Chunks
    ) -> Content where Chunks.Element: Collection<UInt8> & SendableMetatype, Chunks.AsyncIterator: SendableMetatype {
        Content(blocking: .never, isRepeatable: once == nil, filename: "file", length: { length }) {
            (preparation) throws(ClientError) in
            let name = preparation.name ?? "the stream"
            if let once { try preparation.claim(once, name) }
            try preparation.check(length, name)
            let source = SequenceSource(name: name, length: length, once: once) { body in
                for try await chunk in try await makeSequence() {
                    guard await body(ArraySlice(chunk)) else { return }
                }
            }
            return once == nil ? source : preparation.keeping(source)
        }
    }

    /// A `multipart/form-data` document (RFC 7578) with these parts, in this order. Its boundary holds 168 random
    /// bits and is another one each time that a request is begun.
    public static func multipart(_ parts: [Part]) -> Content {
        var content = Content(
            blocking: Preparation.Blocking(of: parts),
            isRepeatable: parts.allSatisfy(\.content.isRepeatable), length: { MultipartSource.length(of: parts) }
        ) { (preparation) throws(ClientError) in
            let source = MultipartSource()
            source.append(try source.prepare(parts, preparation), isLast: true)
            return source
        }
        content.isForm = true
        return content
    }

    /// The same content, read through another source.
    func replacingSource(_ replacement: @escaping @Sendable (any Source) -> any Source) -> Content {
        var content = self
        content.prepare = { [prepare] (preparation) throws(ClientError) in replacement(try prepare(preparation)) }
        return content
    }

    /// The content in the gzip format (RFC 1952), made while it is sent: for servers that store the compressed file.
    /// For a request body that the server decodes, see ``Client/Configuration/contentCoding``.
    ///
    /// Its length being unknown, a request with it is sent chunked. A second call has no effect.
    ///
    /// - Parameter level: 0, stored, to 9, smallest. Any other is an error when it is sent,
    ///   ``ClientError/Code/invalidPart``.
    public func gzipped(level: Int = 6) -> Content {
        if isGzipped { return self }
        let filename = filename.map { Path(bytes: $0.bytes + ".gz".utf8) }
        var content = Content(
            blocking: blocking, isRepeatable: isRepeatable, filename: filename, mediaType: "application/gzip",
            length: { nil }
        ) { [prepare] (preparation) throws(ClientError) in
            let source = try prepare(preparation)
            guard (0...9).contains(level) else {
                throw ClientError(.invalidPart, "\(source.name): its gzip level is not 0 to 9")
            }
            return CodedSource(source, CodingSettings(coding: .gzip, level: level))
        }
        content.isGzipped = true
        return content
    }
}
