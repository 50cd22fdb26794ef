/// The first line of what may be a request (RFC 9112 §3), where the decoder has refused it.
struct RequestLine: Equatable {
    /// Whether it begins with `method SP`, whatever the method.
    let hasMethod: Bool
    /// Whether it names a version of HTTP that is neither 1.0 nor 1.1.
    let hasOtherVersion: Bool

    /// - Parameter bytes: from the line's beginning on, as many as there are.
    init(_ bytes: some Collection<UInt8>) {
        let line = bytes.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
        let method = line.prefix { $0 != UInt8(ascii: " ") }
        hasMethod = (1...64).contains(method.count) && method.count < line.count && method.allSatisfy(\.isTokenByte)
        let words = line.split(separator: UInt8(ascii: " "))
        let version = words.count == 3 ? String(decoding: words[2], as: UTF8.self) : ""
        let hasNumber = version.utf8.dropFirst("HTTP/".count).first.map { (48...57).contains($0) } ?? false
        hasOtherVersion = version.hasPrefix("HTTP/") && hasNumber && version != "HTTP/1.1" && version != "HTTP/1.0"
    }
}

extension UInt8 {
    /// RFC 9110 §5.6.2.
    fileprivate var isTokenByte: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }
}
