/// Finds the end of a response's content (RFC 9112 §6.3). Needed while the upload continues after the response, because
/// libcurl does not report the end then.
struct ResponseFraming {
    private enum Kind {
        case length(left: Int64)
        case chunked(ChunkedParser)
        /// The content ends with the connection.
        case unknown
    }

    private var kind: Kind

    /// - Parameters:
    ///   - status: the status of the final response, whose request was not a HEAD.
    ///   - fields: the header fields of that response.
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

    /// Whether the content ends with the connection.
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

    /// Returns the content within received bytes.
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
