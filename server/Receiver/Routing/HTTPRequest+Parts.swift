import HTTPTypes

extension HTTPRequest {
    /// By bytes: a `?` that is followed by a combining accent is one character that does not equal `?`.
    var pathWithoutQuery: Substring {
        let path = path ?? ""
        return path[..<(path.utf8.firstIndex(of: UInt8(ascii: "?")) ?? path.endIndex)]
    }
}

extension HTTPRequest.Method {
    /// Whether it is one of RFC 9110's, or `PATCH`: a resource may not allow it, but what it means is known.
    /// Others are answered with 501.
    var isKnown: Bool {
        switch self {
        case .get, .head, .post, .put, .delete, .connect, .options, .trace, .patch: true
        default: false
        }
    }
}
