/// The name under which a file is stored, made from the filename that a client sent.
///
/// It is one path component: no separator, no control character, no dot at the start, never empty, at most 255 bytes.
/// The code works on bytes and scalars, not on characters: a `/` followed by a combining accent is one character that
/// does not equal `/`.
struct FileName: Hashable, Sendable {
    /// The longest name that file systems of Linux and macOS accept, in bytes.
    static let maximumLength = 255
    /// A longer suffix, in bytes, does not count as an extension.
    static let maximumExtensionLength = 64

    /// The part before the extension.
    private let stem: Substring
    /// With its dot, or empty. `.tar.gz` and the like are one extension.
    private let fileExtension: Substring

    /// - Parameter filename: as the client sent it. Only the part after the last `/` or `\` counts: some clients send a
    ///   whole path of their own system.
    init(cleaning filename: String) {
        let separators = [UInt8(ascii: "/"), UInt8(ascii: "\\")]
        let afterSeparator = filename.utf8.lastIndex(where: separators.contains).map(filename.utf8.index(after:))
        let component = filename[(afterSeparator ?? filename.startIndex)...]

        var name = Substring()
        for scalar in component.unicodeScalars where scalar.properties.generalCategory != .control {
            name.unicodeScalars.append(scalar)
        }
        if name.isEmpty || name == "." || name == ".." { name = "unnamed" }

        let dot = Self.startOfExtension(in: name)
        // A hidden file would neither be listed nor sent. It could be `.htaccess`, which web servers obey, or have the name
        // of a file that the storage has not finished.
        stem = (name.utf8.first == UInt8(ascii: ".") ? "_" : "") + name[..<dot]
        fileExtension = name[dot...]
    }

    /// Whether clients can list and read a file of this name: it is one path component and not hidden.
    static func isPublic(_ name: String) -> Bool { isComponent(name) && name.utf8.first != UInt8(ascii: ".") }

    /// Whether this is one path component.
    static func isComponent(_ name: String) -> Bool {
        let separators = [UInt8(ascii: "/"), 0]
        return !name.isEmpty && !name.utf8.contains(where: separators.contains)
    }

    /// The name itself for 0; for other numbers with ` (number)` before the extension. If the name is too long, the stem
    /// is shortened at a scalar boundary.
    func numbered(_ number: Int) -> String {
        let suffix = number == 0 ? "" : " (\(number))"
        let room = Self.maximumLength - suffix.utf8.count - fileExtension.utf8.count
        return Self.prefix(of: stem, bytes: room) + suffix + fileExtension
    }

    private static func startOfExtension(in name: Substring) -> Substring.Index {
        let dot = UInt8(ascii: ".")
        guard let last = name.utf8.lastIndex(of: dot), last > name.startIndex,
            name.utf8.index(after: last) < name.endIndex,
            name.utf8.distance(from: last, to: name.endIndex) <= maximumExtensionLength
        else { return name.endIndex }
        let stem = name[..<last]
        guard let previous = stem.utf8.lastIndex(of: dot), previous > name.startIndex,
            stem[previous...].lowercased() == ".tar"
        else { return last }
        return previous
    }

    private static func prefix(of text: Substring, bytes: Int) -> Substring {
        guard text.utf8.count > bytes else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: bytes)
        // A byte of the form 10xxxxxx continues a scalar.
        while end > text.startIndex, text.utf8[end] & 0xC0 == 0x80 { end = text.utf8.index(before: end) }
        return text[..<end]
    }
}
