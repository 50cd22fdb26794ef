import HTTPStreaming

/// Arguments as the parser takes them: text, although names of files are bytes that need not be UTF-8.
enum CommandLineArguments {
    /// A byte that is not part of UTF-8 is one of these scalars, for private use, plus its value. Such a scalar itself is
    /// taken apart into its bytes, so that nothing is lost.
    private static let base: UInt32 = 0x10F700
    private static let escapes: ClosedRange<UInt32> = (base + 0x80)...(base + 0xFF)

    /// Those of this process, without its name.
    static var all: [String] {
        let pointers = UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
        return pointers.dropFirst().compactMap { $0.map { text(Path(cString: $0)) } }
    }

    /// With its coding in the same argument as `--compress`, which may stand alone, as `-z` may: the parser knows options
    /// with a value, and those without one.
    static func normalized(_ arguments: [String]) -> [String] {
        var (result, rest) = ([String](), arguments[...])
        while let argument = rest.first, argument != "--" {
            rest = rest.dropFirst()
            if ["-z", "--compress"].contains(argument), let coding = rest.first,
                (try? CompressionSetting(coding)) != nil
            {
                result.append("--compress=" + coding)
                rest = rest.dropFirst()
            } else {
                result.append(argument == "--compress" ? "-z" : argument)
            }
        }
        return result + rest
    }

    static func text(_ path: Path) -> String {
        var (scalars, parser) = (String.UnicodeScalarView(), Unicode.UTF8.ForwardParser())
        var (iterator, rest) = (path.bytes.makeIterator(), path.bytes[...])
        while true {
            let length: Int
            switch parser.parseScalar(from: &iterator) {
            case .emptyInput: return String(scalars)
            case .valid(let encoded):
                let scalar = Unicode.UTF8.decode(encoded)
                length = encoded.count
                if escapes.contains(scalar.value) {
                    escape(rest.prefix(length), &scalars)
                } else {
                    scalars.append(scalar)
                }
            case .error(let count):
                length = count
                escape(rest.prefix(length), &scalars)
            }
            rest = rest.dropFirst(length)
        }
    }

    private static func escape(_ bytes: ArraySlice<UInt8>, _ scalars: inout String.UnicodeScalarView) {
        for byte in bytes { Unicode.Scalar(base + UInt32(byte)).map { scalars.append($0) } }
    }

    /// The reverse of ``text(_:)``.
    static func path(_ text: String) -> Path {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            if escapes.contains(scalar.value) {
                bytes.append(UInt8(scalar.value - base))
            } else {
                bytes += Array(String(scalar).utf8)
            }
        }
        return Path(bytes: bytes)
    }
}
