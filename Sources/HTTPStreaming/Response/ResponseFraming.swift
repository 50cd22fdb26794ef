/// Tells where the content of a response ends (RFC 9112 §6.3), for a transfer whose upload goes on
/// behind it: libcurl does not tell then.
struct ResponseFraming {
    private enum Kind {
        case length(left: Int64)
        case chunked(ChunkedParser)
        /// Nothing but the connection tells.
        case unknown
    }

    private var kind: Kind

    /// - Parameters:
    ///   - status: of the final head, but not of the answer to a HEAD request.
    ///   - fields: of that head.
    init(status: Int, _ fields: HeaderFields) {
        if status == 204 || status == 304 {
            kind = .length(left: 0)
        } else if fields["transfer-encoding"]?.lowercased() == "chunked" {
            kind = .chunked(ChunkedParser())
        } else if let length = fields["content-length"].flatMap({ Int64($0) }), length >= 0 {
            kind = .length(left: length)
        } else {
            kind = .unknown
        }
    }

    /// Whether nothing but the connection tells.
    var isOpenEnded: Bool {
        if case .unknown = kind { true } else { false }
    }

    var isComplete: Bool {
        switch kind {
        case .length(let left): left == 0
        case .chunked(let parser): parser.isComplete
        case .unknown: false
        }
    }

    /// Returns the content in what came.
    mutating func content(in bytes: UnsafeRawBufferPointer) -> [UInt8] {
        switch kind {
        case .length(let left):
            let content = bytes.prefix(Int(min(left, Int64(bytes.count))))
            kind = .length(left: left - Int64(content.count))
            return Array(content)
        case .chunked(var parser):
            var content: [UInt8] = []
            parser.parse(bytes, into: &content)
            kind = .chunked(parser)
            return content
        case .unknown:
            return Array(bytes)
        }
    }
}
