/// A content coding (RFC 9110 §8.4.1) that is made of DEFLATE (RFC 1951).
public enum Coding: Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// The gzip file format (RFC 1952).
    case gzip
    /// The zlib format (RFC 1950), whatever the name says.
    case deflate

    /// - Parameter token: as in `Content-Encoding`, in any case; `x-gzip` is gzip
    ///   (RFC 9110 §8.4.1.3). Nil for any other coding, `identity` too.
    public init?(token: some StringProtocol) {
        switch token.lowercased() {
        case "gzip", "x-gzip": self = .gzip
        case "deflate": self = .deflate
        default: return nil
        }
    }

    /// As it stands in `Content-Encoding` and `Accept-Encoding`.
    public var token: String {
        switch self {
        case .gzip: "gzip"
        case .deflate: "deflate"
        }
    }

    public var description: String { token }
}
