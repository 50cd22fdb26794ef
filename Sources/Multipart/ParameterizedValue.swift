internal import Platform

/// A field value with parameters, `value; name=token; name="quoted"`, as in Content-Type and
/// Content-Disposition; read leniently, since every client writes it a little differently.
struct ParameterizedValue {
    let value: ArraySlice<UInt8>
    private(set) var parameters: [(name: ArraySlice<UInt8>, value: [UInt8])] = []

    /// Nil when a quoted value is never closed or is followed by something other than `;`.
    ///
    /// A backslash before `"` or `\` is an escape, as Go and older curl write it. Browsers and
    /// newer curl write backslashes as they are, so that a value ending with one cannot be read
    /// this way; then, and only then, backslashes are read as themselves. What an escaping
    /// client wrote always parses at the first try, so that its quotes cannot be used to smuggle
    /// parameters in.
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
            rest = rest[name.endIndex...]
            // A stray `;` or a parameter without a value says nothing.
            guard rest.first == UInt8(ascii: "=") else { continue }
            rest = rest.dropFirst().drop(while: ASCII.isWhiteSpace)
            let value: [UInt8]
            if rest.first == ASCII.quote {
                guard let quoted = Self.quoted(&rest, backslashEscapes: backslashEscapes) else { return nil }
                value = quoted
            } else {
                let token = rest.prefix { $0 != UInt8(ascii: ";") }
                rest = rest[token.endIndex...]
                value = Array(ASCII.trimmed(token))
            }
            parameters.append((ASCII.trimmed(name), value))
        }
    }

    /// Takes a quoted value off the front of `rest`, up to the next `;` or the end.
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

    func isNamed(_ text: String) -> Bool { ASCII.equalIgnoringCase(value, text) }

    /// The first parameter of that name, in any case.
    subscript(name: String) -> [UInt8]? {
        parameters.first { ASCII.equalIgnoringCase($0.name, name) }?.value
    }
}
