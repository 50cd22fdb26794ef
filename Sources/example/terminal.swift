#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Writes bytes of which parts are not this program's own, such as the answer of a server or the name of a file. On a
/// terminal, characters that control it are escaped; elsewhere all bytes stay as they are.
struct Output {
    private let descriptor: Int32
    private let isTerminal: Bool
    /// The beginning of a character whose other bytes have not been written.
    private var incomplete: [UInt8] = []

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1
    }

    mutating func write(_ bytes: [UInt8]) {
        guard isTerminal else { return writeAll(bytes, to: descriptor) }
        var bytes = incomplete + bytes
        let count = Self.incompleteCount(bytes)
        incomplete = Array(bytes.suffix(count))
        bytes.removeLast(count)
        writeAll(Self.escaped(bytes), to: descriptor)
    }

    /// Writes the bytes of a character that has remained incomplete.
    mutating func finish() {
        writeAll(Self.escaped(incomplete), to: descriptor)
        incomplete = []
    }

    /// How many bytes at the end are the beginning of a UTF-8 sequence, 0 to 3.
    private static func incompleteCount(_ bytes: [UInt8]) -> Int {
        guard let lead = bytes.suffix(3).lastIndex(where: { $0 & 0xC0 != 0x80 }) else { return 0 }
        let length = bytes[lead] >= 0xF0 ? 4 : bytes[lead] >= 0xE0 ? 3 : bytes[lead] >= 0xC0 ? 2 : 1
        return lead + length > bytes.count ? bytes.count - lead : 0
    }

    /// With `\u{…}` in place of characters that control a terminal or change the direction of text, and `\x…` in place of
    /// bytes that are not UTF-8, which some terminals take for such characters.
    private static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var parser = Unicode.UTF8.ForwardParser()
        var (iterator, offset) = (bytes.makeIterator(), 0)
        while true {
            switch parser.parseScalar(from: &iterator) {
            case .valid(let encoded):
                let scalar = Unicode.UTF8.decode(encoded)
                result += controls(scalar) ? Array("\\u{\(hexadecimal(scalar.value))}".utf8) : Array(encoded)
                offset += encoded.count
            case .error(let length):
                for byte in bytes[offset..<(offset + length)] {
                    result += Array("\\x\(hexadecimal(UInt32(byte)))".utf8)
                }
                offset += length
            case .emptyInput:
                return result
            }
        }
    }

    private static func hexadecimal(_ value: UInt32) -> String { String(value, radix: 16, uppercase: true) }

    private static func controls(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case ..<0x20, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

/// Writes a whole text to standard output or standard error; see ``Output``.
@Sendable func show(_ text: [UInt8], on descriptor: Int32 = STDOUT_FILENO) {
    var output = Output(descriptor)
    output.write(text)
    output.finish()
}

private func writeAll(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { exit(1) }
    }
}
