internal import Multipart
internal import Platform

/// One part of a `multipart/form-data` document (RFC 7578): a head and its content.
///
/// ```swift
/// let file: Part = .file("video.mp4", name: "video")
/// let field: Part = .field("title", "Größe")
/// let pipe = Part("dump", .standardInput, filename: "db.sql.gz", contentType: "application/gzip")
/// ```
public struct Part: Sendable, CustomStringConvertible {
    /// The field of the form.
    public var name: String
    /// Where its bytes come from.
    public var content: Content
    /// What the server is told; nil for a field that is no file. Bytes that are not UTF-8 are sent as they are.
    public var filename: Path?
    /// The media type; nil for none, which stands for text (RFC 7578 §4.4).
    public var contentType: String?
    /// Further header fields of the part. Most servers ignore them (RFC 7578 §4.8). Content-Disposition and
    /// Content-Type are the part's own.
    public var headerFields: HeaderFields

    /// - Parameters:
    ///   - name: the field of the form.
    ///   - filename: by default the last component of the path for a file, "file" for descriptors and streams, and none
    ///     for bytes and text.
    ///   - content: where its bytes come from.
    ///   - contentType: by default guessed from the extension of the filename; none where there is no filename.
    ///   - headerFields: further ones; checked when the part is sent.
    public init(
        _ name: String, _ content: Content, filename: String? = nil, contentType: String? = nil,
        headerFields: HeaderFields = [:]
    ) {
        let filename = filename.map { Path($0) } ?? content.filename
        self.name = name
        self.content = content
        self.filename = filename
        self.contentType = contentType ?? filename.map { MediaType.guess(filename: $0) }
        self.headerFields = headerFields
    }

    /// Name, filename and ``Content/length``, such as `video: "video.mp4", 1048576 bytes`, in one line of text. Contains
    /// neither content nor header fields.
    public var description: String {
        let filename = filename.map { " \($0.description.debugDescription)," } ?? ""
        let length = content.length.map { $0 == 1 ? "1 byte" : "\($0) bytes" } ?? "unknown length"
        return name.debugDescription.dropFirst().dropLast() + ":\(filename) \(length)"
    }

    /// A file, or a range of its bytes, or a pipe or device; see ``Content/file(_:range:changes:)-(Path,_,_)``.
    ///
    /// - Parameters:
    ///   - path: absolute, or relative to the working directory.
    ///   - range: the bytes to send, the first of the file being 0; all by default.
    ///   - name: the field of the form.
    ///   - filename: what the server is told; the last component of `path` by default.
    ///   - contentType: the media type; guessed from the extension of the filename by default.
    ///   - changes: which bytes to send if the file is written to during the upload; by default that is an error.
    public static func file(
        _ path: Path, range: Range<Int64>? = nil, name: String = "file", filename: String? = nil,
        contentType: String? = nil, changes: Content.FileChanges = .unchanged
    ) -> Part {
        Part(name, .file(path, range: range, changes: changes), filename: filename, contentType: contentType)
    }

    /// See ``file(_:range:name:filename:contentType:changes:)-(Path,_,_,_,_,_)``.
    public static func file(
        _ path: String, range: Range<Int64>? = nil, name: String = "file", filename: String? = nil,
        contentType: String? = nil, changes: Content.FileChanges = .unchanged
    ) -> Part {
        file(
            Path(path), range: range, name: name, filename: filename, contentType: contentType, changes: changes)
    }

    /// A field of a form: text in UTF-8 (RFC 7578 §5.1.2).
    public static func field(_ name: String, _ value: String) -> Part { Part(name, .bytes(Array(value.utf8))) }

    /// The part as a `.gz` file, with `.gz` behind its filename: see ``Content/gzipped(level:)``. A part without a
    /// filename gets one from its name.
    ///
    /// - Parameter level: 0, stored, to 9, smallest.
    public func gzipped(level: Int = 6) -> Part {
        if content.isGzipped { return self }
        var part = self
        part.content = content.gzipped(level: level)
        part.filename = Path(bytes: (filename?.bytes ?? Array(name.utf8)) + ".gz".utf8)
        part.contentType = "application/gzip"
        return part
    }

    /// Writes the framing, and opens and measures the content.
    fileprivate func prepare(
        _ encoder: MultipartEncoder, _ preparation: Preparation
    ) throws(ClientError) -> MultipartSource.FramedPart {
        preparation.name = filename?.description ?? name
        defer { preparation.name = nil }
        let source = try content.prepare(preparation)
        return MultipartSource.FramedPart(
            name: name, filename: filename?.description,
            opening: try opening(encoder, contentType: source.mediaType ?? contentType), content: source)
    }

    /// The framing before the content.
    fileprivate func opening(_ encoder: MultipartEncoder, contentType: String?) throws(ClientError) -> [UInt8] {
        guard headerFields["Content-Type"] == nil else {
            throw ClientError(.invalidPart, "the part \(name) cannot be sent: it has a second Content-Type")
        }
        do throws(MultipartError) {
            var head = PartHead(
                name: name, contentType: contentType,
                otherFields: headerFields.map { HeaderField(name: $0.name, value: $0.value) })
            head.filenameBytes = filename?.bytes
            return try encoder.opening(of: head)
        } catch {
            throw ClientError(.invalidPart, "the part \(name) cannot be sent: \(error)", underlying: error)
        }
    }
}

extension MultipartSource {
    /// The parts for ``append(_:isLast:)``.
    func prepare(_ parts: [Part], _ preparation: Preparation) throws(ClientError) -> [FramedPart] {
        try parts.map { (part) throws(ClientError) in try part.prepare(encoder, preparation) }
    }

    /// The length of a form with these parts; nil if it is unknown, or if a part cannot be sent.
    static func length(of parts: [Part]) -> Int64? {
        // All boundaries have the same length.
        let encoder = MultipartEncoder()
        return length(
            encoder,
            parts.lazy.map { part in
                let contentType = part.content.isForm ? encoder.boundary.contentType : part.contentType
                let opening = try? part.opening(encoder, contentType: contentType)
                return opening.flatMap { FramedPart.length(opening: $0, content: part.content.length) }
            })
    }
}
