internal import Multipart

/// One part of a `multipart/form-data` request: a file, or a field of a form.
///
/// Making a part reads nothing; a file is looked at and opened when it is sent. ``isRepeatable`` says
/// whether it can be sent again.
public struct Part: Sendable {
    enum Source: Sendable {
        /// All of it where there is no range.
        case file(path: String, Range<Int64>?)
        case bytes([UInt8])
        case descriptor(Int32, length: Int64?, ReadOnce)
        case stream(StreamContent)
    }

    let head: PartHead
    let source: Source
    /// What it is compressed with on its way; nil if it is sent as it is.
    private(set) var gzipLevel: Int?

    init(head: PartHead, source: Source, gzipLevel: Int? = nil) {
        self.head = head
        self.source = source
        self.gzipLevel = gzipLevel
    }

    /// A regular file, or a range of its bytes, streamed from disk in constant memory.
    ///
    /// Its length and time of change are noted when it is sent; if it is written to before its
    /// last byte has been read, the request fails with ``ClientError/Code/sourceChanged``: never
    /// padded, never silently cut.
    ///
    /// - Parameters:
    ///   - path: absolute, or relative to the working directory.
    ///   - range: the bytes to send, the first of the file being 0; all unless given. One that goes
    ///     beyond the file's end is an error when the part is sent,
    ///     ``ClientError/Code/sourceUnreadable``.
    ///   - name: the form's field.
    ///   - filename: what the server is told; the last component of `path` unless given.
    ///   - contentType: the media type; guessed from the extension of `filename` unless given.
    public static func file(
        _ path: String, range: Range<Int64>? = nil, name: String = "file", filename: String? = nil,
        contentType: String? = nil
    ) -> Part {
        let filename = filename ?? path.split(separator: "/").last.map(String.init) ?? path
        let contentType = contentType ?? MediaType.guess(filename: filename)
        return Part(
            head: PartHead(name: name, filename: filename, contentType: contentType),
            source: .file(path: path, range)
        )
    }

    /// Content from memory.
    ///
    /// - Parameters:
    ///   - bytes: all of it.
    ///   - name: the form's field.
    ///   - filename: makes the part a file to the server; none unless given.
    ///   - contentType: the media type; unless given, guessed from the extension of `filename`,
    ///     or none where there is no filename.
    public static func bytes(
        _ bytes: [UInt8], name: String = "file", filename: String? = nil, contentType: String? = nil
    ) -> Part {
        let contentType = contentType ?? filename.map(MediaType.guess)
        return Part(
            head: PartHead(name: name, filename: filename, contentType: contentType),
            source: .bytes(bytes)
        )
    }

    /// The part as a `.gz` file (RFC 1952), made while it is sent: with `.gz` behind its filename,
    /// and the type `application/gzip`. For servers that know no content coding of requests; they
    /// store the compressed file.
    ///
    /// Its length being unknown, the request is sent chunked. A part without a filename gets one
    /// from its name.
    ///
    /// - Parameter level: 0, stored, to 9, smallest; 6 unless given. Any other is an error when the
    ///   part is sent, ``ClientError/Code/invalidPart``.
    public func gzipped(level: Int = 6) -> Part {
        // Once is enough.
        if gzipLevel != nil { return self }
        let filename = (head.filename ?? head.name) + ".gz"
        return Part(
            head: PartHead(name: head.name, filename: filename, contentType: MediaType.guess(filename: filename)),
            source: source,
            gzipLevel: level
        )
    }

    /// A field of a form: text in UTF-8 (RFC 7578 §5.1.2).
    public static func field(_ name: String, _ value: String) -> Part {
        Part(head: PartHead(name: name), source: .bytes(Array(value.utf8)))
    }
}
