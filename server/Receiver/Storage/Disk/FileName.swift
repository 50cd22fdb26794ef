/// The name under which a file is stored, made from the filename that a client sent, and the folders that lead to it.
///
/// The name and each folder are one path component: no separator, no control character, no dot at the start, never empty,
/// at most 255 bytes. The code works on bytes and scalars, not on characters: a `/` followed by a combining accent is one
/// character that does not equal `/`.
struct FileName: Hashable, Sendable {
    /// The longest name that file systems of Linux and macOS accept, in bytes.
    static let maximumLength = 255
    /// A longer suffix, in bytes, does not count as an extension.
    static let maximumExtensionLength = 64
    /// A path with more folders is refused.
    static let maximumFolders = 32

    /// The outermost one first.
    let folders: [String]
    /// The part before the extension.
    private let stem: Substring
    /// With its dot, or empty. `.tar.gz` and the like are one extension.
    private let fileExtension: Substring

    /// - Parameters:
    ///   - filename: as the client sent it. Some clients send a whole path of their own system, with `/` or `\`.
    ///   - keepsFolders: whether the part before the last separator counts. Folders without a name, `.` and `..` do not.
    init(cleaning filename: String, keepsFolders: Bool = false) {
        let components = filename.utf8.split(omittingEmptySubsequences: false) {
            $0 == Self.slash || $0 == Self.backslash
        }
        .map(Substring.init)
        folders = keepsFolders ? components.dropLast().compactMap(Self.folder) : []
        let name = Self.withoutControls(components.last ?? "") ?? "unnamed"
        let dot = Self.startOfExtension(in: name)
        stem = Self.prefix(before: name) + name[..<dot]
        fileExtension = name[dot...]
    }

    /// Whether clients can list and read a file of this path: no component of it is hidden or empty.
    static func isPublic(_ path: String) -> Bool {
        !path.utf8.contains(0)
            && path.utf8.split(separator: slash, omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0.first != dot
            }
    }

    /// Whether this is one path component.
    static func isComponent(_ name: String) -> Bool {
        !name.isEmpty && !name.utf8.contains(slash) && !name.utf8.contains(0)
    }

    /// The name itself for 0; for other numbers with ` (number)` before the extension. If the name is too long, the stem
    /// is shortened at a scalar boundary. Without the folders.
    func numbered(_ number: Int) -> String {
        let suffix = number == 0 ? "" : " (\(number))"
        let room = Self.maximumLength - suffix.utf8.count - fileExtension.utf8.count
        return Self.start(of: stem, bytes: room) + suffix + fileExtension
    }

    /// The path from the storage's directory to `name`.
    func path(_ name: String) -> String { (folders + [name]).joined(separator: "/") }

    /// Whether no other filename leads to the same path, except with underscores instead of dots at the start. A file may
    /// replace another one only then: otherwise two files of a client could be taken for one.
    func isExact(for filename: String) -> Bool {
        let components = filename.utf8.split(separator: Self.slash, omittingEmptySubsequences: false).map(
            Substring.init)
        let exact = components.map { Self.prefix(before: $0) + $0 }.joined(separator: "/")
        return exact.utf8.elementsEqual(path(numbered(0)).utf8)
    }

    private static let (slash, backslash, dot) = (UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "."))

    private static func folder(_ component: Substring) -> String? {
        withoutControls(component).map { String(start(of: prefix(before: $0) + $0, bytes: maximumLength)) }
    }

    /// - Returns: nil if the component names nothing, or the directory itself or its parent.
    private static func withoutControls(_ component: Substring) -> Substring? {
        // A `String.UnicodeScalarView`: each append to a `Substring` takes time proportional to its length.
        var scalars = String.UnicodeScalarView()
        for scalar in component.unicodeScalars where scalar.properties.generalCategory != .control {
            scalars.append(scalar)
        }
        let name = Substring(String(scalars))
        return name.isEmpty || name == "." || name == ".." ? nil : name
    }

    /// A hidden file would neither be listed nor sent. It could be `.htaccess`, which web servers obey, or have the name of a
    /// file that the storage has not finished.
    private static func prefix(before component: Substring) -> Substring { component.utf8.first == dot ? "_" : "" }

    private static func startOfExtension(in name: Substring) -> Substring.Index {
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

    private static func start(of text: Substring, bytes: Int) -> Substring {
        guard text.utf8.count > bytes else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: bytes)
        // A byte of the form 10xxxxxx continues a scalar.
        while end > text.startIndex, text.utf8[end] & 0xC0 == 0x80 { end = text.utf8.index(before: end) }
        return text[..<end]
    }
}
