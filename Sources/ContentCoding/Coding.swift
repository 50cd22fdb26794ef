/// A content coding (RFC 9110 §8.4.1) that uses DEFLATE (RFC 1951).
public enum Coding: Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// The gzip file format (RFC 1952).
    case gzip
    /// The zlib format (RFC 1950), despite the name (RFC 9110 §8.4.1.2).
    case deflate

    /// Makes a coding from its name. Returns nil for all other names, including `identity`.
    ///
    /// - Parameter token: the name as in Content-Encoding, case-insensitive. `x-gzip` means gzip (RFC 9110 §8.4.1.3).
    public init?(token: some StringProtocol) {
        switch token.lowercased() {
        case "gzip", "x-gzip": self = .gzip
        case "deflate": self = .deflate
        default: return nil
        }
    }

    /// The name in Content-Encoding and Accept-Encoding.
    public var token: String {
        switch self {
        case .gzip: "gzip"
        case .deflate: "deflate"
        }
    }

    /// The same as ``token``.
    public var description: String { token }
}
