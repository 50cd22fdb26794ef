internal import Platform

/// A field value with parameters, `value; name=token; name="quoted"`, as in Content-Type and Content-Disposition. The
/// parser is lenient because clients differ.
struct ParameterizedValue {
    let value: ArraySlice<UInt8>
    private(set) var parameters: [(name: ArraySlice<UInt8>, value: [UInt8])] = []

    /// Returns nil if a quoted value is not closed, or is followed by something other than `;`.
    ///
    /// A backslash before `"` or `\` is an escape, as Go and older versions of curl write it. Browsers and newer
    /// versions of curl do not escape backslashes, so a value that ends with one cannot be parsed this way: there is a
    /// quotation mark left, outside of a quoted value. Only then are backslashes read literally. The first attempt parses
    /// everything that an escaping client writes, so that quotes in a value cannot add parameters.
    init?(parsing bytes: [UInt8]) {
        if let parsed = Self(bytes, backslashEscapes: true) ?? Self(bytes, backslashEscapes: false) {
            self = parsed
        } else {
            return nil
        }
    }

    private init?(_ bytes: [UInt8], backslashEscapes: Bool) {
        var rest = bytes[...]
        value = ASCII.trimmed(rest.prefix { $0 != UInt8(ascii: ";") })
        rest = rest.drop { $0 != UInt8(ascii: ";") }
        while !rest.isEmpty {
            rest = rest.dropFirst().drop(while: ASCII.isWhiteSpace)
            let name = rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ";") }
            if backslashEscapes, name.contains(ASCII.quote) { return nil }
            rest = rest[name.endIndex...]
            // Ignore a stray `;` and a parameter without a value.
            guard rest.first == UInt8(ascii: "=") else { continue }
            rest = rest.dropFirst().drop(while: ASCII.isWhiteSpace)
            let value: [UInt8]
            if rest.first == ASCII.quote {
                guard let quoted = Self.quoted(&rest, backslashEscapes: backslashEscapes) else { return nil }
                value = quoted
            } else {
                let token = rest.prefix { $0 != UInt8(ascii: ";") }
                if backslashEscapes, token.contains(ASCII.quote) { return nil }
                rest = rest[token.endIndex...]
                value = Array(ASCII.trimmed(token))
            }
            parameters.append((ASCII.trimmed(name), value))
        }
    }

    /// Removes a quoted value from the front of `rest`, up to the next `;` or the end, and returns it.
    private static func quoted(_ rest: inout ArraySlice<UInt8>, backslashEscapes: Bool) -> [UInt8]? {
        var value: [UInt8] = []
        var index = rest.startIndex + 1
        while index < rest.endIndex, rest[index] != ASCII.quote {
            if backslashEscapes, rest[index] == ASCII.backslash, index + 1 < rest.endIndex,
                rest[index + 1] == ASCII.quote || rest[index + 1] == ASCII.backslash
            {
                index += 1
            }
            value.append(rest[index])
            index += 1
        }
        guard index < rest.endIndex else { return nil }
        rest = rest[(index + 1)...].drop(while: ASCII.isWhiteSpace)
        return rest.isEmpty || rest.first == UInt8(ascii: ";") ? value : nil
    }

    /// Whether this is a media type `multipart/…`, with any subtype.
    var isMultipart: Bool {
        let type = value.prefix { $0 != UInt8(ascii: "/") }
        return ASCII.equalIgnoringCase(type, "multipart") && value.count > type.count + 1
    }

    func isNamed(_ text: String) -> Bool { ASCII.equalIgnoringCase(value, text) }

    /// The first parameter of this name, which is case-insensitive.
    subscript(name: String) -> [UInt8]? {
        parameters.first { ASCII.equalIgnoringCase($0.name, name) }?.value
    }

    /// Whether there are several parameters of this name. Programs differ in which one counts, and so one that inspects a
    /// message could find other parts in it, or other names, than the one that receives it (CVE-2026-26961).
    func repeats(_ name: String) -> Bool {
        parameters.count { ASCII.equalIgnoringCase($0.name, name) } > 1
    }
}
