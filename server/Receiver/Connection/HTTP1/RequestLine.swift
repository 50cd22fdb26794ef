import Platform

/// The first line of what may be a request (RFC 9112 §3), after the decoder has refused it.
struct RequestLine: Equatable {
    /// Whether it begins with `method SP`, for any method.
    let hasMethod: Bool
    /// Whether it names a version of HTTP that is neither 1.0 nor 1.1.
    let hasOtherVersion: Bool

    /// - Parameter bytes: the received bytes, from the beginning of the line.
    init(_ bytes: some Collection<UInt8>) {
        let line = bytes.prefix { $0 != ASCII.cr && $0 != ASCII.lf }
        let method = line.prefix { $0 != UInt8(ascii: " ") }
        hasMethod =
            (1...64).contains(method.count) && method.count < line.count
            && method.allSatisfy(ASCII.isTokenCharacter)
        let words = line.split(separator: UInt8(ascii: " "))
        let version = words.count == 3 ? String(decoding: words[2], as: UTF8.self) : ""
        let hasNumber = version.utf8.dropFirst("HTTP/".count).first.map { (48...57).contains($0) } ?? false
        hasOtherVersion = version.hasPrefix("HTTP/") && hasNumber && version != "HTTP/1.1" && version != "HTTP/1.0"
    }
}
