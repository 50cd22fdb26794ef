import ArgumentParser

/// A number of bytes on the command line: `1000`, `64K`, `10G`.
struct ByteCount: Hashable {
    let bytes: Int

    /// - Parameter argument: a number, which the suffixes K, M, G and T, in any case, multiply by a power of 1024.
    init(_ argument: String) throws {
        let suffixes: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
        let shift = argument.last.flatMap { suffixes[Character($0.uppercased())] }
        let digits = shift == nil ? argument[...] : argument.dropLast()
        let number = digits.first?.isNumber == true ? Int(digits) : nil
        let product = number?.multipliedReportingOverflow(by: 1 << (shift ?? 0))
        guard let product, !product.overflow else {
            throw ValidationError("a size is a number of bytes, such as 1000, 64K, 1M, 10G or 2T")
        }
        bytes = product.partialValue
    }
}

/// An origin as browsers write it (RFC 6454 §6.2), or `*` for any.
struct Origin: Hashable {
    let text: String

    /// - Parameter argument: a scheme and an authority, in any case. The default port of the scheme is removed, as
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
        // Other characters belong to a path or a user name, or are invalid.
        let isValid = authority.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/?#@\\\"<>^`{|},".utf8.contains($0) }
        guard !scheme.isEmpty, !authority.isEmpty, isValid else {
            throw ValidationError("an origin is a scheme and a host, such as https://example.org, without a path")
        }
        text = "\(scheme)://\(authority)"
    }
}
