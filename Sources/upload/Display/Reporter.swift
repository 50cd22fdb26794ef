import HTTPStreaming
import Synchronization

/// Writes results to standard output, and everything else to standard error. May be called from any task.
final class Reporter: Sendable {
    private struct State: Sendable {
        var summary: Summary
        var transfers: TransferState
        var screen: Screen

        mutating func write(_ line: String, to descriptor: Int32) { screen.write(line, to: descriptor, transfers) }
    }

    private let options: UploadOptions
    private let state: Mutex<State>
    private let start = ContinuousClock.now

    init(_ options: UploadOptions, _ jobs: [Job]) {
        self.options = options
        state = Mutex(
            State(
                summary: Summary(total: jobs.count), transfers: TransferState(jobs, at: .now),
                screen: Screen(options.display.quiet ? .none : options.display.progress)))
    }

    /// Shows progress until the task is cancelled.
    func showProgress() async {
        guard let interval = state.withLock({ $0.screen.interval }) else { return }
        while (try? await Task.sleep(for: interval)) != nil {
            state.withLock { $0.screen.show($0.transfers, at: .now) }
        }
    }

    /// A request has been begun.
    func began(_ job: Job) { state.withLock { $0.transfers.begin(job, at: .now) } }

    /// A request has got further.
    ///
    /// - Parameter before: the bytes that another process had read when it was interrupted.
    func progressed(_ job: Job, _ progress: UploadProgress, before: Int64) {
        state.withLock { state in
            state.transfers.update(job, progress, before: before, at: .now)
            var lines = state.transfers.newRedirects(job, progress).map { redirect in
                "status \(redirect.status); redirected to \(Format.publicURL(redirect.url))"
            }
            if let retry = progress.retry {
                let text = "attempt \(retry.attempt) of \(retry.maximumAttempts) in \(Format.seconds(retry.delay))"
                lines.append("\(retry.cause); \(text)")
            }
            guard !options.display.quiet else { return }
            for line in lines { state.write("upload: " + Format.escaped("\(job.label): \(line)"), to: 2) }
        }
    }

    /// A request has ended.
    func ended(_ outcome: Outcome) {
        state.withLock { state in
            state.summary.add(outcome)
            state.transfers.end(outcome)
            if options.display.verbose { for line in outcome.details { state.write(line, to: 2) } }
            let complaint = outcome.complaint(options)
            if let complaint, outcome.exitStatus != .interrupted {
                state.write("upload: " + Format.escaped(complaint), to: 2)
            }
            if options.display.json {
                state.write(outcome.json(options).text, to: 1)
            } else if complaint == nil, !options.display.quiet {
                state.write(outcome.line, to: 1)
            }
        }
    }

    /// Says that Ctrl-C was noticed.
    func interrupted() {
        state.withLock { $0.write("upload: stopping; press Ctrl-C again to stop at once", to: 2) }
    }

    /// Removes the bars and writes the summary.
    ///
    /// - Returns: what to exit with.
    func finish(wasInterrupted: Bool) -> ExitStatus {
        state.withLock { state in
            let (summary, duration) = (state.summary, ContinuousClock.now - start)
            let status = summary.exitStatus(wasInterrupted: wasInterrupted)
            state.screen.clear()
            if options.display.json {
                System.write(summary.json(duration: duration, status).text + "\n", to: 1)
            } else if !options.display.quiet, summary.total > 1 || wasInterrupted {
                Self.tell(summary.text(duration: duration))
                if wasInterrupted, options.transfer.resume {
                    Self.tell("the same command, given again, sends only what is missing")
                }
            }
            return status
        }
    }

    /// Writes a line of this program's own to standard error.
    static func tell(_ line: String) { Screen.write("upload: \(line)", to: 2) }
}

extension Outcome {
    /// The result for people.
    fileprivate var line: String {
        if case .acceptedBefore = result {
            return Format.escaped("\(job.label): was sent before\(isVerified ? ", verified" : "")")
        }
        var line = "\(job.label): "
        if case .accepted(let status) = result { line += "\(status), " }
        line += Format.volume(bytesSent, in: duration)
        if bytesBefore > 0 { line += ", continued after \(Format.bytes(bytesBefore))" }
        if isVerified { line += ", verified" }
        return Format.escaped(line + (location.map { ", \($0)" } ?? ""))
    }

    /// What `--verbose` shows besides: how the server was reached, and its answer.
    fileprivate var details: [String] {
        var lines: [String] = []
        if let metrics {
            let address = [metrics.remoteAddress, metrics.remotePort.map { "\($0)" }].compactMap(\.self)
            let figures = [
                "HTTP/\(metrics.httpVersion) to \(address.isEmpty ? "a Unix socket" : address.joined(separator: " port "))",
                Format.count(metrics.connectionsOpened, "connection") + " opened",
                "first byte after \(Format.seconds(metrics.firstByte))",
                Format.count(metrics.resumptions, "resumption"),
            ]
            lines.append("upload: " + Format.escaped("\(job.label): \(figures.joined(separator: ", "))"))
        }
        let text = String(decoding: answer.prefix(64 << 10), as: UTF8.self)
        return lines + text.split(separator: "\n").map { "upload: < " + Format.escaped(String($0)) }
    }
}
