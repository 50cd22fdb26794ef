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

    static func rate(_ bytes: Int64, in duration: Duration) -> String {
        let seconds = max(duration / .seconds(1), 0.001)
        return self.bytes(Int64(min(Double(bytes) / seconds, 1e18))) + "/s"
    }

    /// A measured time: `0.05 s`, `1.5 s`, `12 s`, and from a minute on as ``time(_:)``.
    static func seconds(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        if seconds >= 59.5 { return time(duration) }
        return seconds < 0.995 ? "\((seconds * 100).rounded() / 100) s" : "\(short(seconds)) s"
    }

    /// A time left: `0:07`, `12:30`, `1:02:03`, `2d 03h`.
    static func time(_ duration: Duration) -> String {
        let seconds = Int(min(max((duration / .seconds(1)).rounded(), 0), 1e9))
        let two = { (number: Int) in (number < 10 ? "0" : "") + String(number) }
        if seconds >= 86400 { return "\(seconds / 86400)d \(two(seconds / 3600 % 24))h" }
        let rest = "\(two(seconds % 60))"
        if seconds >= 3600 { return "\(seconds / 3600):\(two(seconds / 60 % 60)):\(rest)" }
        return "\(seconds / 60):\(rest)"
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
