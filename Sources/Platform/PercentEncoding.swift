extension String {
    /// Reads UTF-8, or, if the bytes are not UTF-8, Latin-1 (ISO-8859-1), in which each byte is one character. Different
    /// bytes of one encoding are different texts, which U+FFFD would make equal.
    package init(utf8OrLatin1 bytes: some Collection<UInt8>) {
        self = String(validating: bytes, as: UTF8.self) ?? String(latin1: bytes)
    }

    /// Reads ISO-8859-1, whose bytes are the first 256 scalars of Unicode.
    package init(latin1 bytes: some Collection<UInt8>) {
        var scalars = String.UnicodeScalarView()
        scalars.append(contentsOf: bytes.lazy.map { Unicode.Scalar($0) })
        self.init(scalars)
    }
}

extension StringProtocol {
    /// With each `%` and two hexadecimal digits replaced by the byte that they stand for (RFC 3986
    /// §2.1). A `%` without them stands for itself. If the bytes are not UTF-8 then, they are read as Latin-1.
    package var percentDecoded: String {
        guard utf8.contains(UInt8(ascii: "%")) else { return String(self) }
        return String(utf8OrLatin1: PercentEncoding.decoded(Array(utf8)[...]))
    }

    /// As one segment of the path of a URL: everything but the unreserved characters (RFC 3986 §2.3)
    /// percent-encoded.
    package var percentEncoded: String {
        var text = ""
        for byte in utf8 {
            if ASCII.isAlphanumeric(byte) || "-._~".utf8.contains(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += byte < 16 ? "%0" : "%"
                text += String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }
}

package enum PercentEncoding {
    /// As text, with each byte that is not ASCII percent-encoded, and all others as they are (RFC 3987 §3.1).
    package static func encodedNonASCII(_ bytes: some Sequence<UInt8>) -> String {
        var text = ""
        for byte in bytes {
            if byte < 0x80 {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "%" + String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }

    /// - Parameter accept: whether the byte that a `%` and two digits stand for replaces them; by default all do.
    package static func decoded(_ bytes: ArraySlice<UInt8>, _ accept: (UInt8) -> Bool = { _ in true }) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.endIndex,
                let high = ASCII.hexValue(bytes[index + 1]), let low = ASCII.hexValue(bytes[index + 2]),
                accept(high << 4 | low)
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return decoded
    }
}
