import Multipart

extension PartHead {
    /// The transfer encodings that leave content as it is (RFC 2045 §6.2).
    private static let identityEncodings = ["", "7bit", "8bit", "binary"]

    /// Checks that the part's content is what the sender wants to be stored or reported, not a coded form of it or several
    /// files in one.
    ///
    /// - Throws: 415, because the server does not decode parts. Storing them as they are would be a success for a file that
    ///   the sender has never had.
    func checkContentIsPlain() throws(Refusal) {
        for field in otherFields {
            let value = field.value.lowercased()
            switch field.name.lowercased() {
            case "content-transfer-encoding" where !Self.identityEncodings.contains(value):
                throw Refusal(
                    .unsupported, "a part has a Content-Transfer-Encoding: send its bytes as they are (RFC 7578 §4.7)")
            case "content-encoding" where !value.isEmpty && value != "identity":
                throw Refusal(
                    .unsupported, "a part has a Content-Encoding: encode the whole body instead, or send a .gz file")
            default:
                continue
            }
        }
        // A file may be of such a type: it is stored as it is.
        if filename == nil, let contentType, contentType.lowercased().hasPrefix("multipart/") {
            throw Refusal(
                .unsupported, "a part contains parts of its own: send each file as a part of the form (RFC 7578 §4.3)")
        }
    }

    /// The names of the header fields that have no effect, as sent (RFC 7578 §4.8).
    fileprivate var ignoredFields: [String] {
        otherFields.map(\.name).filter {
            !(["content-transfer-encoding", "content-encoding"] + ExpectedDigests.fields).contains($0.lowercased())
        }
    }
}

extension ReceivedPart {
    /// - Throws: 400 for a malformed digest.
    init(_ head: PartHead) throws(Refusal) {
        self.init(
            name: head.name, filename: head.filename, contentType: head.contentType, ignoredFields: head.ignoredFields,
            expected: try ExpectedDigests(head))
    }

    /// How many bytes of the part's header are kept in memory.
    var nameBytes: Int {
        ([name, filename ?? "", contentType ?? ""] + ignoredFields + (expected?.unknown ?? [])).reduce(0) {
            $0 + $1.utf8.count
        }
    }
}

extension Receiver.FormLimits {
    var ofParser: MultipartParser.Limits {
        var limits = MultipartParser.Limits()
        limits.parts = parts
        limits.headerBytes = partHeaderBytes
        limits.headerLines = partHeaderLines
        return limits
    }
}
