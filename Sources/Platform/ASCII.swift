/// Bytes and character sets of RFC 2046, RFC 7578 and RFC 9110.
package enum ASCII {
    @inlinable package static var cr: UInt8 { UInt8(ascii: "\r") }
    @inlinable package static var lf: UInt8 { UInt8(ascii: "\n") }
    @inlinable package static var dash: UInt8 { UInt8(ascii: "-") }
    @inlinable package static var quote: UInt8 { UInt8(ascii: "\"") }
    @inlinable package static var backslash: UInt8 { UInt8(ascii: "\\") }

    package static let base64URL = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    @inlinable
    package static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    /// `bcharsnospace` of RFC 2046 §5.1.1.
    @inlinable
    package static func isBoundaryCharacter(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "'()+_,-./:=?".utf8.contains(byte)
    }

    /// `tchar` of RFC 9110 §5.6.2.
    @inlinable
    package static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^")...UInt8(ascii: "`"), UInt8(ascii: "|"),
            UInt8(ascii: "~"):
            true
        default: isAlphanumeric(byte)
        }
    }

    @inlinable
    package static func isWhiteSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    @inlinable
    package static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    /// The value of a hexadecimal digit in either case; nil for any other byte.
    @inlinable
    package static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    package static func equalIgnoringCase(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
        guard bytes.count == text.utf8.count else { return false }
        var text = text
        return text.withUTF8 { text in
            bytes.withUnsafeBufferPointer { bytes in
                bytes.indices.allSatisfy { lowercased(bytes[$0]) == lowercased(text[$0]) }
            }
        }
    }

    /// Whether all bytes of a text satisfy `predicate`. One pass over contiguous bytes: reading `utf8` byte by byte takes
    /// ten times as long.
    @inlinable
    package static func all(of text: String, satisfy predicate: (UInt8) -> Bool) -> Bool {
        var text = text
        return text.withUTF8 { $0.allSatisfy(predicate) }
    }

    /// Whether `text` is a `token` (RFC 9110 §5.6.2): the name of a header field or a method.
    @inlinable
    package static func isToken(_ text: String) -> Bool { !text.isEmpty && all(of: text, satisfy: isTokenCharacter) }

    /// Without white space at both ends.
    package static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes.drop(while: isWhiteSpace)
        while let last = bytes.last, isWhiteSpace(last) { bytes.removeLast() }
        return bytes
    }
}
