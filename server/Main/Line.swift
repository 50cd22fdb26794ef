#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A line that is being written.
struct Line {
    private(set) var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(256) }

    /// What needs no escaping.
    mutating func plain(_ text: String) { bytes += text.utf8 }

    /// A path, a reason: what a client has made up must not look like another line, or turn a terminal's colours.
    ///
    /// - Parameter isQuoted: whether it stands between quotation marks.
    mutating func text(_ text: String, isQuoted: Bool = false) {
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
        guard !isPlain else { return plain(text) }
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: plain(scalar.escaped(asASCII: true))
            default: plain(isQuoted && scalar == "\"" ? "\\\"" : String(scalar))
            }
        }
    }

    /// Writes it to standard error, in one piece.
    mutating func end() {
        bytes.append(UInt8(ascii: "\n"))
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = write(STDERR_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return }
            }
        }
    }
}
