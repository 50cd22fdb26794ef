/// Numbers and texts as people read them.
enum Format {
    /// `0 B`, `999 B`, `1.5 kB`, `12 MB`: powers of 1000, with two or three digits.
    static func bytes(_ count: Int64) -> String {
        guard count >= 1000 else { return "\(count) B" }
        var (value, units) = (Double(count) / 1000, ["kB", "MB", "GB", "TB", "PB", "EB"][...])
        // What would be rounded to 1000 belongs to the next unit.
        while value >= 999.5, units.count > 1 {
            value /= 1000
            units = units.dropFirst()
        }
        return "\(short(value)) \(units.first ?? "")"
    }

    /// One decimal below ten.
    private static func short(_ value: Double) -> String {
        value < 9.95 ? "\((value * 10).rounded() / 10)" : "\(Int(value.rounded()))"
    }

    static func rate(_ bytesPerSecond: Double) -> String { bytes(Int64(min(bytesPerSecond, 1e18))) + "/s" }

    /// What was sent, in which time, and the rate: `12 MB in 1.5 s, 8.0 MB/s`. A rate of less than 0.1 s would be that of
    /// the buffers.
    static func volume(_ count: Int64, in duration: Duration) -> String {
        let text = "\(bytes(count)) in \(seconds(duration))"
        guard count > 0, duration >= .milliseconds(100) else { return text }
        return text + ", \(rate(Double(count) / (duration / .seconds(1))))"
    }

    /// A measured time: `5 ms`, `1.5 s`, `12 s`, and from a minute on as ``time(_:)``.
    static func seconds(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        if seconds >= 59.5 { return time(duration) }
        return seconds < 0.9995 ? "\(max(1, Int((seconds * 1000).rounded()))) ms" : "\(short(seconds)) s"
    }

    /// `1 file`, `2 files`.
    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// A time left: `0:07`, `12:30`, `1:02:03`, `2d 03h`.
    static func time(_ duration: Duration) -> String {
        let seconds = Int(min(max((duration / .seconds(1)).rounded(), 0), 1e9))
        let two = { (number: Int) in (number < 10 ? "0" : "") + String(number) }
        if seconds >= 86400 { return "\(seconds / 86400)d \(two(seconds / 3600 % 24))h" }
        let rest = "\(two(seconds % 60))"
        if seconds >= 3600 { return "\(seconds / 3600):\(two(seconds / 60 % 60)):\(rest)" }
        return "\(seconds / 60):\(rest)"
    }

    /// A URL without its user and password.
    static func url(_ url: String) -> String {
        guard let start = url.firstRange(of: "://")?.upperBound else { return url }
        let authority = url.utf8[start...].prefix { !"/?#".utf8.contains($0) }
        guard let end = authority.lastIndex(of: UInt8(ascii: "@")) else { return url }
        return String(url[..<start]) + url[url.utf8.index(after: end)...]
    }

    /// A URL without its user and password, and without its query, which may be the signature of an object store.
    static func publicURL(_ url: String) -> String {
        String(decoding: Self.url(url).utf8.prefix { !"?#".utf8.contains($0) }, as: UTF8.self)
    }

    /// On one line, with `\u{…}` in place of characters that control a terminal or change the direction of text: names of
    /// files and answers of servers are not this program's own.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if controls(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func controls(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0x20, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
