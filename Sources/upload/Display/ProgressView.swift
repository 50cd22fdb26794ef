/// Progress as text, for a terminal and for a log.
struct ProgressView {
    /// Of the terminal.
    var columns = 80
    var rows = 24
    var hasColor = false

    /// One line for each request under way, and one for all at the end if there are several; each shorter than the terminal
    /// is wide.
    func bars(_ state: TransferState, at now: ContinuousClock.Instant) -> [String] {
        let active = state.active.sorted { $0.key < $1.key }.map(\.value)
        // The last line of the terminal stays free.
        let shown = active.prefix(max(0, min(active.count, rows - 2)))
        var lines = shown.map { entry -> String in
            if let retry = entry.retry { return line(entry.label, nil, " " + Format.escaped(retry), color: "33") }
            let rate = entry.speed.rate(at: now, bytes: entry.read)
            let left = TransferState.timeLeft(entry.size.map { $0 - entry.read }, rate)
            return line(entry.label, entry.fraction, figures(entry.read, entry.fraction, rate, left), color: "32")
        }
        guard state.total > 1 || lines.isEmpty else { return lines }
        let rate = state.rate(at: now)
        lines.append(
            line(
                "\(state.ended) of \(state.total)", state.fraction,
                figures(state.read, state.fraction, rate, state.timeLeft(at: now)), color: "36"))
        return lines
    }

    static func withoutColor(_ line: String) -> String { line.replacing(/\u{1B}\[[0-9]*m/, with: "") }

    /// One line for a log.
    func plain(_ state: TransferState, at now: ContinuousClock.Instant) -> String {
        var text = "\(state.ended) of \(state.total), \(Format.bytes(state.read))"
        if let size = state.size, let fraction = state.fraction {
            text += " of \(Format.bytes(size)) (\(Int(fraction * 100)) %)"
        }
        text += ", \(Format.rate(state.rate(at: now)))"
        return text + (state.timeLeft(at: now).map { ", \(Format.time($0)) left" } ?? "")
    }

    /// ` 45 %  1.2 MB   12 MB/s    0:07`
    private func figures(_ bytes: Int64, _ fraction: Double?, _ rate: Double, _ left: Duration?) -> String {
        let percent = fraction.map { "\(Int($0 * 100)) %" } ?? ""
        let speed = bytes == 0 ? "" : Format.rate(rate)
        return [(percent, 6), (Format.bytes(bytes), 8), (speed, 10), (left.map { Format.time($0) } ?? "", 8)]
            .map { text, width in String(repeating: " ", count: max(1, width - text.count)) + text }.joined()
    }

    /// The label, a bar as wide as there is space for, and the figures.
    private func line(_ label: String, _ fraction: Double?, _ figures: String, color: String) -> String {
        let width = columns - 1
        let labelWidth = min(max(12, width / 3), max(0, width - DisplayWidth.of(figures)))
        let label = DisplayWidth.fitted(Format.escaped(label), to: labelWidth)
        let space = width - labelWidth - DisplayWidth.of(figures) - 3
        guard let fraction, space >= 5 else { return DisplayWidth.cut(label + figures, to: width) }
        let filled = Int(Double(space) * min(max(fraction, 0), 1))
        let full = String(repeating: "#", count: filled)
        let bar = hasColor ? "\u{1B}[\(color)m\(full)\u{1B}[0m" : full
        return "\(label) [\(bar)\(String(repeating: "-", count: space - filled))]\(figures)"
    }
}

/// How many columns of a terminal text takes.
enum DisplayWidth {
    static func of(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + of($1) } }

    /// 2 for wide characters of East Asia and for emoji, 0 for marks that combine with the one before (UAX #11).
    static func of(_ scalar: Unicode.Scalar) -> Int {
        // Makes an emoji of the character before.
        if scalar == "\u{FE0F}" { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        if scalar.properties.isEmojiPresentation { return 2 }
        return switch scalar.value {
        case 0x1100...0x115F, 0x2329...0x232A, 0x2630...0x2637, 0x268A...0x268F, 0x2E80...0x303E, 0x3041...0xA4CF,
            0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF, 0x1D300...0x1D376, 0x1F200...0x1F265,
            0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            2
        default: 1
        }
    }

    /// The beginning of the text, in that many columns at most.
    static func cut(_ text: String, to columns: Int) -> String {
        var (result, width) = ("", 0)
        for character in text {
            width += of(String(character))
            if width > columns { break }
            result.append(character)
        }
        return result
    }

    /// With a line end and spaces in place of a space wherever a line would be wider than that many columns.
    static func wrapped(_ text: String, to columns: Int) -> String {
        let indent = "        "
        var (result, width) = ("", 0)
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            let length = of(String(word))
            if width > 0, width + 1 + length > columns {
                result += "\n" + indent
                width = indent.count
            } else if !result.isEmpty {
                result += " "
                width += 1
            }
            result += word
            width += length
        }
        return result
    }

    /// In exactly that many columns: filled with spaces, or with `…` in place of its beginning, since the end of a path
    /// tells more.
    static func fitted(_ text: String, to columns: Int) -> String {
        let width = of(text)
        guard width > columns else { return text + String(repeating: " ", count: columns - width) }
        guard columns > 0 else { return "" }
        let end = String(cut(String(text.reversed()), to: columns - 1).reversed())
        return "…" + end + String(repeating: " ", count: columns - 1 - of(end))
    }
}
