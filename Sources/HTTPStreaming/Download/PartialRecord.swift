internal import Platform

/// What a later call needs to continue a download, as a value; see ``PartialFile``.
struct PartialRecord: Equatable {
    /// The URL that was asked for, without credentials.
    let url: String
    /// The file that the bytes are of; without a validator they are of no use.
    let file: Representation
    /// The run of the system that the bytes were received in; see ``SystemStart``.
    var system: String?
    /// How many bytes are known to be on the disk.
    var durable: Int64 = 0

    /// How many of the bytes in a partial file of this length are certain to have been received.
    ///
    /// Written bytes outlive the process. After a power failure only those count that were on the disk by then: a file may have
    /// its length, but zeros in place of others.
    func certain(of length: Int64, now: String?) -> Int64 {
        system != nil && system == now ? length : min(length, durable)
    }
}

// MARK: Text

extension PartialRecord {
    private static let firstLine = "http-streaming-partial-file 1"

    var text: String {
        let kind =
            switch file.validator {
            case .tag: "tag"
            case .date: "date"
            case nil: "none"
            }
        let length = file.length.map { "\($0)" }
        return JournalText.signed([
            Self.firstLine,
            JournalText.line("request", [url]),
            JournalText.line("received", [file.url, kind, file.validator?.value ?? ""]) + " "
                + (length ?? JournalText.none),
            JournalText.line("stored", ["\(durable)", system ?? ""]),
        ])
    }

    /// Whether the beginning of a file says that it is a record.
    static func isRecord(_ bytes: [UInt8]) -> Bool { bytes.starts(with: firstLine.utf8) }

    /// Reads a record; nil if the text is none, or is damaged.
    init?(parsing text: String) {
        guard let lines = try? JournalText.lines(of: text, firstLine: Self.firstLine), lines.count == 3 else {
            return nil
        }
        let words = lines.map { $0.split(separator: " ", omittingEmptySubsequences: false) }
        guard words[0].first == "request", words[0].count == 2, words[1].first == "received", words[1].count == 5,
            words[2].first == "stored", words[2].count == 3
        else { return nil }
        let text = { (word: Substring) in String(decoding: JournalText.decoded(word), as: UTF8.self) }
        let validator: Representation.Validator?
        switch words[1][2] {
        case "tag": validator = .tag(text(words[1][3]))
        case "date": validator = .date(text(words[1][3]))
        case "none": validator = nil
        default: return nil
        }
        let length = Int64(words[1][4])
        guard length != nil || words[1][4] == JournalText.none, length ?? 0 >= 0, let durable = Int64(words[2][1]),
            durable >= 0
        else { return nil }
        url = text(words[0][1])
        file = Representation(url: text(words[1][1]), validator: validator, length: length)
        self.durable = durable
        system = words[2][2] == JournalText.empty ? nil : text(words[2][2])
    }
}
