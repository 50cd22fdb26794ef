import ArgumentParser
import HTTPStreaming

/// `NAME=VALUE`: a field of a form.
struct FormField: Hashable {
    let name: String
    let value: String

    init(_ argument: String) throws {
        guard let separator = argument.firstIndex(of: "="), separator != argument.startIndex else {
            throw ValidationError("a field is NAME=VALUE")
        }
        name = String(argument[..<separator])
        value = String(argument[argument.index(after: separator)...])
    }
}

/// `Name: value`: a header field of each request.
struct HeaderLine: Hashable {
    let name: String
    let value: String

    init(_ argument: String) throws {
        guard let colon = argument.firstIndex(of: ":"), colon != argument.startIndex else {
            throw ValidationError("a header field is 'Name: value'")
        }
        let space: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        name = String(argument[..<colon])
        let rest = argument[argument.index(after: colon)...].drop(while: space)
        value = String(rest.reversed().drop(while: space).reversed())
    }

    /// Whether it tells the server, or a proxy, who sends the request.
    var isCredential: Bool { ["authorization", "cookie", "proxy-authorization"].contains(name.lowercased()) }
}

/// A number of bytes: `1000`, `64K`, `1.5M`, `10G`. The suffixes stand for powers of 1024.
struct ByteCount: Hashable {
    let bytes: Int

    init(_ argument: String) throws {
        let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
        let shift = argument.last.flatMap { shifts[Character($0.uppercased())] }
        let digits = shift == nil ? argument[...] : argument.dropLast()
        let number = digits.first?.isNumber == true ? Double(digits) : nil
        guard let number, case let bytes = number * Double(1 << (shift ?? 0)), bytes >= 1, bytes < 0x1p62 else {
            throw ValidationError("a size is a number of bytes, such as 1000, 64K, 1.5M or 10G")
        }
        self.bytes = Int(bytes)
    }
}

/// A time: `30`, `30s`, `1.5m`, `2h`. Without a unit, seconds.
struct TimeLimit: Hashable {
    let duration: Duration

    init(_ argument: String) throws {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
        let unit = argument.last.flatMap { units[$0] }
        let digits = unit == nil ? argument[...] : argument.dropLast()
        let number = digits.first?.isNumber == true ? Double(digits) : nil
        guard let number, case let seconds = number * (unit ?? 1), seconds > 0, seconds <= 31_536_000 else {
            throw ValidationError("a time is a number of seconds, such as 30 or 0.5, or 30s, 5m, 2h")
        }
        duration = .seconds(seconds)
    }
}

/// `gzip`, `deflate` or `auto`, with a level: `gzip:9`.
struct CompressionSetting: Hashable {
    let coding: Client.ContentCoding

    init(_ argument: String) throws {
        let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let level = parts.count == 1 ? 6 : Int(parts[1])
        switch (parts[0], level) {
        case ("gzip", let level?) where (0...9).contains(level): coding = .gzip(level: level)
        case ("deflate", let level?) where (0...9).contains(level): coding = .deflate(level: level)
        case ("auto", _) where parts.count == 1: coding = .automatic
        default:
            throw ValidationError(
                "a compression is gzip, deflate, gzip:LEVEL or deflate:LEVEL, with levels 0 to 9, or auto")
        }
    }
}

enum ProgressStyle: String, CaseIterable, ExpressibleByArgument {
    case auto, bar, plain, none
}
