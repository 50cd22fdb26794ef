extension StringProtocol {
    /// With each `%` and two hexadecimal digits replaced by the byte that they stand for (RFC 3986
    /// §2.1). A `%` without them stands for itself; what is not UTF-8 then reads as U+FFFD.
    var percentDecoded: String {
        guard utf8.contains(UInt8(ascii: "%")) else { return String(self) }
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(hexadecimal: rest[rest.startIndex], rest[rest.startIndex + 1])
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// As one segment of a URL's path: everything but the unreserved characters (RFC 3986 §2.3)
    /// percent-encoded.
    var percentEncoded: String {
        var text = ""
        for byte in utf8 {
            let scalar = Unicode.Scalar(byte)
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", "~":
                text.unicodeScalars.append(scalar)
            default:
                text += byte < 16 ? "%0" : "%"
                text += String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }
}

extension UInt8 {
    fileprivate init?(hexadecimal high: UInt8, _ low: UInt8) {
        guard let high = Character(Unicode.Scalar(high)).hexDigitValue,
            let low = Character(Unicode.Scalar(low)).hexDigitValue
        else { return nil }
        self = UInt8(high << 4 | low)
    }
}
