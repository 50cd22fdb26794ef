/// Standard error, with lines at its end that are written anew again and again: the bars, on a terminal.
struct Screen {
    private let style: ProgressStyle
    private let hasColor: Bool
    /// The widths of the bars that the terminal shows.
    private var shown: [Int] = []

    /// - Parameter style: `auto` is resolved here.
    init(_ style: ProgressStyle) {
        let canDraw = System.isTerminal(2) && System.environment("TERM") != "dumb"
        self.style = style == .auto ? (canDraw ? .bar : .plain) : style
        // https://no-color.org
        hasColor = System.isTerminal(2) && System.environment("NO_COLOR") == nil
    }

    /// How often ``show(_:at:)`` is to be called; nil if there is nothing to show.
    var interval: Duration? {
        switch style {
        case .bar, .auto: .milliseconds(100)
        case .plain: .seconds(10)
        case .none: nil
        }
    }

    /// Shows the progress in place of that before.
    mutating func show(_ state: TransferState, at now: ContinuousClock.Instant) {
        var view = ProgressView()
        guard style == .bar else {
            if style == .plain { System.write("upload: \(view.plain(state, at: now))\n", to: 2) }
            return
        }
        let size = System.terminalSize
        view.columns = System.environment("COLUMNS").flatMap { Int($0) } ?? size?.columns ?? 80
        view.rows = size?.rows ?? 24
        view.hasColor = hasColor
        let lines = view.bars(state, at: now)
        System.write(erasure(size?.columns ?? view.columns) + lines.map { $0 + "\n" }.joined(), to: 2)
        shown = lines.map { DisplayWidth.of(ProgressView.withoutColor($0)) }
    }

    /// Writes a line to a descriptor, above the bars.
    mutating func write(_ line: String, to descriptor: Int32, _ state: TransferState) {
        let hasBars = !shown.isEmpty
        clear()
        Self.write(line, to: descriptor)
        if hasBars, !state.isFinished { show(state, at: .now) }
    }

    /// Writes a line; on standard error, if that is a terminal, in several lines rather than within words.
    static func write(_ line: String, to descriptor: Int32) {
        let columns = descriptor == 2 ? System.terminalSize?.columns : nil
        System.write((columns.map { DisplayWidth.wrapped(line, to: $0) } ?? line) + "\n", to: descriptor)
    }

    /// Removes the bars.
    mutating func clear() {
        guard !shown.isEmpty else { return }
        System.write(erasure(System.terminalSize?.columns ?? 80), to: 2)
        shown = []
    }

    /// Moves to the first bar and erases from there on.
    private func erasure(_ columns: Int) -> String {
        let rows = Self.rows(of: shown, columns: columns)
        return rows == 0 ? "" : "\u{1B}[\(rows)A\r\u{1B}[J"
    }

    /// How many rows lines of these widths take: a terminal that has become narrower shows each in several rows.
    static func rows(of widths: [Int], columns: Int) -> Int {
        let columns = max(1, columns)
        return widths.reduce(0) { $0 + max(1, ($1 + columns - 1) / columns) }
    }
}
