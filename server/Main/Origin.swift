import ArgumentParser

/// An origin as browsers write it (RFC 6454 §6.2), or `*` for any.
struct Origin: Hashable {
    let text: String

    /// - Parameter argument: a scheme and an authority, in any case; a port that is the scheme's own is left out, as
    ///   browsers do.
    init(_ argument: String) throws {
        guard argument != "*" else {
            text = "*"
            return
        }
        let origin = argument.lowercased()
        let separator = origin.firstRange(of: "://")
        let scheme = separator.map { origin[..<$0.lowerBound] } ?? ""
        var authority = separator.map { origin[$0.upperBound...] } ?? ""
        for (name, port) in [("http", ":80"), ("https", ":443")] where scheme == name && authority.hasSuffix(port) {
            authority = authority.dropLast(port.count)
        }
        // Anything else is a path, a user, or none at all.
        let isValid = authority.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/?#@\\\"<>^`{|},".utf8.contains($0) }
        guard !scheme.isEmpty, !authority.isEmpty, isValid else {
            throw ValidationError("an origin is a scheme and a host, https://example.org, without a path")
        }
        text = "\(scheme)://\(authority)"
    }
}
