internal import ContentCoding
internal import Platform

/// What another process needs to continue an upload, as a value. It holds no credentials.
struct UploadJournal: Equatable, Sendable {
    /// Where the bytes of the body come from.
    indirect enum Entry: Equatable, Sendable {
        case bytes([UInt8])
        case file(File)
        case multipart(boundary: String, [Part])
        /// Compressed by this version of zlib; other versions may make other bytes.
        case coded(CodingSettings, zlib: String, [EncodingLog.Checkpoint], Entry)

        static func == (first: Entry, second: Entry) -> Bool {
            switch (first, second) {
            case (.bytes(let first), .bytes(let second)): first == second
            case (.file(let first), .file(let second)): first == second
            case (.multipart(let boundary, let parts), .multipart(let other, let others)):
                boundary == other && parts == others
            case (
                .coded(let settings, let zlib, let checkpoints, let entry),
                .coded(let others, let version, let places, let other)
            ):
                settings == others && zlib == version && entry == other
                    && checkpoints.map(\.fields) == places.map(\.fields)
            case (.bytes, _), (.file, _), (.multipart, _), (.coded, _): false
            }
        }
    }

    /// A file as it was when the upload was begun.
    struct File: Equatable, Sendable {
        /// Absolute.
        let path: Path
        let start: Int64
        let length: Int64
        /// Whether it may have become longer since; see ``Content/FileChanges/prefix``.
        let mayGrow: Bool
        let identity: OpenFile.Identity
    }

    struct Part: Equatable, Sendable {
        let name: String
        let filename: String?
        /// The framing before the content.
        let opening: [UInt8]
        let content: Entry
    }

    var method: String
    var url: String
    var location: String
    var version: Int
    var body: Entry
}

extension EncodingLog.Checkpoint {
    /// As in a line of the journal.
    var fields: [String] { ["\(codedLength)", "\(contentLength)", "\(checksum)"] }
}

// MARK: Text

extension UploadJournal {
    private static let firstLine = "http-streaming-journal 1"

    var text: String {
        var lines = [Self.firstLine]
        lines.append(JournalText.line("request", [method, url, location, "\(version)"]))
        Self.append(body, to: &lines)
        return JournalText.signed(lines)
    }

    private static func append(_ entry: Entry, to lines: inout [String]) {
        switch entry {
        case .bytes(let bytes):
            lines.append("bytes \(JournalText.encoded(bytes))")
        case .file(let file):
            let identity = file.identity
            lines.append(
                "file \(JournalText.encoded(file.path.bytes)) "
                    + JournalText.line("\(file.start)", ["\(file.length)", file.mayGrow ? "prefix" : "unchanged"])
                    + " \(identity.device) \(identity.inode) \(identity.size) \(identity.modifiedSeconds)"
                    + " \(identity.modifiedNanoseconds)")
        case .multipart(let boundary, let parts):
            lines.append(JournalText.line("multipart", [boundary, "\(parts.count)"]))
            for part in parts {
                let filename = part.filename.map { JournalText.encoded(Array($0.utf8)) } ?? JournalText.none
                lines.append(
                    "part \(JournalText.encoded(Array(part.name.utf8))) \(filename) \(JournalText.encoded(part.opening))"
                )
                append(part.content, to: &lines)
            }
        case .coded(let settings, let zlib, let checkpoints, let plain):
            lines.append(
                JournalText.line(
                    "coded",
                    [
                        settings.coding.token, "\(settings.level)",
                        settings.storesIncompressible ? "automatic" : "always", zlib,
                    ]))
            lines += checkpoints.map { JournalText.line("checkpoint", $0.fields) }
            append(plain, to: &lines)
        }
    }

    /// Why a text is not a journal.
    struct Fault: Error {
        let reason: String

        static let malformed = Fault(reason: "it is damaged, or no journal")
    }

    /// Reads a journal.
    init(parsing text: String) throws(Fault) {
        var reader = JournalReader(try JournalText.lines(of: text, firstLine: Self.firstLine))
        self = try reader.journal()
    }
}
