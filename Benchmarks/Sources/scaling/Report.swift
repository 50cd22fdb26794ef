import Foundation

/// Prints what became of the files, and judges it.
struct Report {
    private let answered: [Load.Result]
    private let failed: [Load.Result]
    private let seconds: Double
    private let options: Options

    init(_ results: [Load.Result], seconds: Double, _ options: Options) {
        answered = results.filter { $0.failure == nil }
        failed = results.filter { $0.failure != nil }
        (self.seconds, self.options) = (seconds, options)
    }

    func printUploads() {
        let all = answered + failed
        print(
            "uploads".padded,
            "\(all.count) of \(options.size) bytes, \(options.jobs) at a time, resumption: \(options.resumption)")
        let rate = Double(answered.count * options.size) / seconds / 1e6
        print("time".padded, String(format: "%.1f s, %.1f MB/s stored", seconds, rate))
        let statuses = Dictionary(grouping: answered) { $0.status ?? 0 }.sorted { $0.key < $1.key }
        for (status, results) in statuses { print("answered".padded, "\(results.count) × status \(status)") }
        print("failed".padded, "\(failed.count)")
        let kinds = Dictionary(grouping: failed.compactMap(\.failure), by: \.kind).sorted { $0.key < $1.key }
        for (kind, failures) in kinds { print("".padded, "\(failures.count) × \(kind): \(failures[0].message)") }
        let again = all.reduce(0) { $0 + $1.bytesSentAgain }
        print("continued".padded, "\(all.reduce(0) { $0 + $1.resumptions }) times, \(again) bytes sent twice")
    }

    /// Prints how many files the store has, and why the run has failed.
    ///
    /// - Parameter stored: by names.
    func isFailed(stored: [String: Stored]) -> Bool {
        func count(_ results: [Load.Result], _ state: Stored) -> Int {
            results.count { stored[$0.content.name] == state }
        }
        for (name, results) in [("of answered", answered), ("of failed", failed)] {
            print(
                name.padded,
                """
                \(count(results, .whole)) whole in the store, \(count(results, .different)) different, \
                \(count(results, .missing)) missing
                """)
        }
        let isLost = count(answered, .whole) < answered.count
        if isLost { print("FAILED: a file that was answered is not whole in the store") }
        if count(failed, .different) > 0 { print("FAILED: a file that is not whole is visible in the store") }
        let isResumed = options.resumption != .off && !failed.isEmpty
        if isResumed { print("FAILED: not every file arrived") }
        return isLost || isResumed || count(failed, .different) > 0
    }
}

extension String {
    var padded: String { padding(toLength: 12, withPad: " ", startingAt: 0) }

    var base64: String { Data(utf8).base64EncodedString() }
}
