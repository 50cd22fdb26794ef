/// An element of a small XML document, such as an object store sends: elements and text. Attributes, comments and
/// processing instructions are skipped; a document type declaration is refused, so that entities cannot grow.
struct XMLElement: Hashable, Sendable {
    let name: String
    fileprivate(set) var children: [XMLElement] = []
    /// The text directly in this element.
    fileprivate(set) var text = ""

    /// The deepest nesting that is read.
    private static let maximumDepth = 16

    /// - Returns: nil if the bytes are not such a document.
    init?(_ document: some Collection<UInt8>) {
        var reader = XMLReader(rest: Array(document)[...])
        var open: [XMLElement] = []
        while let token = reader.next() {
            switch token {
            case .text(let text):
                if !open.isEmpty { open[open.count - 1].text += text }
            case .start(let name, let isEmpty):
                guard open.count < Self.maximumDepth else { return nil }
                open.append(XMLElement(name: name))
                if !isEmpty { continue }
                fallthrough
            case .end:
                guard let ended = open.popLast() else { return nil }
                if case .end(let name) = token, name != ended.name { return nil }
                guard !open.isEmpty else {
                    self = ended
                    return
                }
                open[open.count - 1].children.append(ended)
            }
        }
        return nil
    }

    private init(name: String) { self.name = name }

    /// The text of the first child of that name.
    subscript(name: String) -> String? { children.first { $0.name == name }?.text }

    func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }
}

/// Splits a document into tags and text.
private struct XMLReader {
    enum Token {
        case start(String, isEmpty: Bool)
        case end(String)
        case text(String)
    }

    var rest: ArraySlice<UInt8>

    /// - Returns: nil at the end and at the first error.
    mutating func next() -> Token? {
        while let first = rest.first {
            guard first == UInt8(ascii: "<") else {
                let end = rest.firstIndex(of: UInt8(ascii: "<")) ?? rest.endIndex
                defer { rest = rest[end...] }
                return Self.unescaped(rest[..<end]).map(Token.text)
            }
            if take("<!--") {
                guard skip(through: "-->") != nil else { return nil }
            } else if take("<![CDATA[") {
                return skip(through: "]]>").map { .text(String(decoding: $0, as: UTF8.self)) }
            } else if take("<?") {
                guard skip(through: "?>") != nil else { return nil }
            } else if take("<!") {
                return nil
            } else if take("</") {
                return skip(through: ">").map { .end(Self.name($0)) }
            } else {
                return startTag()
            }
        }
        return nil
    }

    private mutating func startTag() -> Token? {
        var (index, quote): (Int, UInt8?) = (rest.startIndex + 1, nil)
        while index < rest.endIndex {
            let byte = rest[index]
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else if byte == UInt8(ascii: ">") {
                let tag = rest[(rest.startIndex + 1)..<index]
                rest = rest[(index + 1)...]
                let name = Self.name(tag)
                return name.isEmpty ? nil : .start(name, isEmpty: tag.last == UInt8(ascii: "/"))
            }
            index += 1
        }
        return nil
    }

    private mutating func take(_ prefix: StaticString) -> Bool {
        let length = prefix.utf8CodeUnitCount
        let matches = prefix.withUTF8Buffer { rest.starts(with: $0) }
        if matches { rest = rest.dropFirst(length) }
        return matches
    }

    private mutating func skip(through end: String) -> ArraySlice<UInt8>? {
        guard let range = rest.firstRange(of: Array(end.utf8)) else { return nil }
        defer { rest = rest[range.upperBound...] }
        return rest[..<range.lowerBound]
    }

    /// Without a namespace prefix.
    private static func name(_ tag: ArraySlice<UInt8>) -> String {
        let name = tag.prefix { !" \t\r\n/".utf8.contains($0) }
        return String(decoding: name.lastIndex(of: UInt8(ascii: ":")).map { name[($0 + 1)...] } ?? name, as: UTF8.self)
    }

    private static let entities: [String: Unicode.Scalar] = [
        "lt": "<", "gt": ">", "amp": "&", "quot": "\"", "apos": "'",
    ]

    /// - Returns: nil if there is an unknown entity.
    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.contains(UInt8(ascii: "&")) else { return String(decoding: bytes, as: UTF8.self) }
        var (text, rest) = ("", bytes)
        while let ampersand = rest.firstIndex(of: UInt8(ascii: "&")) {
            text += String(decoding: rest[..<ampersand], as: UTF8.self)
            guard let end = rest[ampersand...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else { return nil }
            let name = String(decoding: rest[(ampersand + 1)..<end], as: UTF8.self)
            let number =
                name.hasPrefix("#x")
                ? UInt32(name.dropFirst(2), radix: 16)
                : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
            guard let scalar = number.flatMap(Unicode.Scalar.init) ?? entities[name] else { return nil }
            text.unicodeScalars.append(scalar)
            rest = rest[(end + 1)...]
        }
        return text + String(decoding: rest, as: UTF8.self)
    }
}

extension String {
    /// For the text of an XML element. By scalars: `&` followed by a combining accent is one character that does not equal
    /// `&`.
    var xmlEscaped: String {
        var text = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar {
            case "&": text.append(contentsOf: "&amp;".unicodeScalars)
            case "<": text.append(contentsOf: "&lt;".unicodeScalars)
            case ">": text.append(contentsOf: "&gt;".unicodeScalars)
            default: text.append(scalar)
            }
        }
        return String(text)
    }
}
