internal import ContentCoding
internal import Platform

/// Reads the lines of a journal, whose digest is right.
struct JournalReader {
    private var lines: ArraySlice<Substring>
    /// The values of the line that is being read.
    private var words: [Substring] = []

    init(_ lines: ArraySlice<Substring>) { self.lines = lines }

    mutating func journal() throws(UploadJournal.Fault) -> UploadJournal {
        guard try next() == "request", words.count == 4 else { throw .malformed }
        let (method, url, location) = (try text(0), try text(1), try text(2))
        let version = Int(try number(3))
        let body = try entry(depth: 0)
        guard lines.isEmpty else { throw .malformed }
        return UploadJournal(method: method, url: url, location: location, version: version, body: body)
    }

    private mutating func entry(depth: Int) throws(UploadJournal.Fault) -> UploadJournal.Entry {
        guard depth < 8 else { throw .malformed }
        switch try next() {
        case "bytes" where words.count == 1:
            return .bytes(JournalText.decoded(words[0]))
        case "file" where words.count == 9:
            let mayGrow = words[3] == "prefix"
            guard mayGrow || words[3] == "unchanged" else { throw .malformed }
            let identity = OpenFile.Identity(
                device: UInt64(try number(4)), inode: UInt64(try number(5)), size: try number(6),
                modifiedSeconds: Int(try number(7)), modifiedNanoseconds: Int(try number(8)))
            let (start, length) = (try number(1), try number(2))
            guard length <= identity.size, start <= identity.size - length else { throw .malformed }
            let path = Path(bytes: JournalText.decoded(words[0]))
            return .file(.init(path: path, start: start, length: length, mayGrow: mayGrow, identity: identity))
        case "multipart" where words.count == 2:
            let boundary = try text(0)
            return .multipart(boundary: boundary, try parts(Int(try number(1)), depth: depth))
        case "coded" where words.count == 4:
            return try coded(depth: depth)
        default:
            throw .malformed
        }
    }

    private mutating func parts(_ count: Int, depth: Int) throws(UploadJournal.Fault) -> [UploadJournal.Part] {
        guard count <= lines.count else { throw .malformed }
        var parts: [UploadJournal.Part] = []
        for _ in 0..<count {
            guard try next() == "part", words.count == 3 else { throw .malformed }
            let name = try text(0)
            let filename = JournalText.isNone(words[1]) ? nil : try text(1)
            let opening = JournalText.decoded(words[2])
            parts.append(.init(name: name, filename: filename, opening: opening, content: try entry(depth: depth + 1)))
        }
        return parts
    }

    private mutating func coded(depth: Int) throws(UploadJournal.Fault) -> UploadJournal.Entry {
        let level = Int(try number(1))
        guard let coding = Coding(token: try text(0)), (0...9).contains(level) else { throw .malformed }
        let storesIncompressible = words[2] == "automatic"
        guard storesIncompressible || words[2] == "always" else { throw .malformed }
        let settings = CodingSettings(coding: coding, level: level, storesIncompressible: storesIncompressible)
        let zlib = try text(3)
        var checkpoints: [EncodingLog.Checkpoint] = []
        while lines.first?.hasPrefix("checkpoint ") == true {
            guard try next() == "checkpoint", words.count == 3 else { throw .malformed }
            let (coded, content) = (try number(0), try number(1))
            guard let checksum = UInt32(words[2]), coded > checkpoints.last?.codedLength ?? 0,
                content > checkpoints.last?.contentLength ?? 0
            else { throw .malformed }
            checkpoints.append(.init(codedLength: coded, contentLength: content, checksum: checksum))
        }
        return .coded(settings, zlib: zlib, checkpoints, try entry(depth: depth + 1))
    }

    /// Begins the next line.
    ///
    /// - Returns: its first word.
    private mutating func next() throws(UploadJournal.Fault) -> Substring {
        guard let line = lines.popFirst() else { throw .malformed }
        var words = line.split(separator: " ", omittingEmptySubsequences: false)
        let first = words.removeFirst()
        self.words = words
        return first
    }

    private func text(_ index: Int) throws(UploadJournal.Fault) -> String {
        guard let text = String(validating: JournalText.decoded(words[index]), as: UTF8.self) else {
            throw .malformed
        }
        return text
    }

    private func number(_ index: Int) throws(UploadJournal.Fault) -> Int64 {
        guard let number = Int64(words[index]), number >= 0 else { throw .malformed }
        return number
    }
}
