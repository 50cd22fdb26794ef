/// The path of a file: bytes, which need not be UTF-8. A string literal is a path, and so is any string:
///
/// ```swift
/// let path: Path = "big.bin"
/// let same = Path(CommandLine.arguments[1])
/// ```
public struct Path: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// As the system calls take it, without the NUL at its end.
    public let bytes: [UInt8]

    /// - Parameter bytes: without the NUL at the end.
    public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    /// The bytes up to the NUL of a string of C, such as an argument of the program.
    public init(cString: UnsafePointer<CChar>) {
        bytes = UnsafeBufferPointer(start: cString, count: strlen(cString)).map { UInt8(bitPattern: $0) }
    }

    /// The UTF-8 form of a string.
    public init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

    public init(stringLiteral text: String) { self.init(text) }

    /// As text, for people: bytes that are not UTF-8 appear as U+FFFD.
    public var description: String { String(decoding: bytes, as: UTF8.self) }

    /// Calls `body` with the path as a string of C, which is valid during the call only. A NUL within the path would
    /// end it there.
    public func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        let text = bytes.map { CChar(bitPattern: $0) } + [0]
        return try text.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { preconditionFailure("holds the NUL at least") }
            return try body(start)
        }
    }
}

extension Path {
    private static var slash: UInt8 { UInt8(ascii: "/") }

    /// The name behind the last slash; the path itself where it has no name.
    package var lastComponent: Path { bytes.split(separator: Self.slash).last.map { Path(bytes: $0) } ?? self }

    /// The path up to its last slash and the name behind that, which is empty if the path ends with a slash.
    package var folderAndName: (folder: Path, name: Path) {
        guard let slash = bytes.lastIndex(of: Self.slash) else { return ("./", self) }
        return (Path(bytes: bytes[...slash]), Path(bytes: bytes[(slash + 1)...]))
    }

    /// With a slash and a name behind it; the name alone if the path is empty.
    package func appending(_ name: Path) -> Path {
        let separator = bytes.isEmpty || bytes.last == Self.slash ? [] : [Self.slash]
        return Path(bytes: bytes + separator + name.bytes)
    }

    /// The path from the root, by the working directory of now; nil if that has no path.
    package var absolute: Path? {
        if bytes.first == Self.slash { return self }
        guard let directory = getcwd(nil, 0) else { return nil }
        defer { free(directory) }
        return Path(cString: directory).appending(self)
    }
}
