import HTTPStreaming

/// How one request ended.
struct Outcome: Sendable {
    enum Result: Sendable {
        /// The server has accepted it, with that status.
        case accepted(Int)
        case refused(Int)
        /// A process before this one has sent it.
        case acceptedBefore
        /// The server has accepted it, but perhaps not as it was sent: why.
        case unverified(String)
        case failed(ClientError)
    }

    let job: Job
    let result: Result
    /// The bytes of the body that were sent by this process.
    var bytesSent: Int64 = 0
    /// Those that another process had sent before.
    var bytesBefore: Int64 = 0
    var duration = Duration.zero
    /// Whether the digests of files and server agree.
    var isVerified = false
    /// Where the server says that it is, if it does.
    var location: String?
    /// The beginning of what the server answered.
    var answer: [UInt8] = []
    /// What the connection was like, for `--verbose`.
    var metrics: Response.Metrics?

    /// The same, of a request that the server has accepted, but perhaps not as it was sent.
    func unverified(_ reason: String) -> Outcome {
        var outcome = Outcome(job: job, result: .unverified(reason))
        (outcome.bytesSent, outcome.location, outcome.answer) = (bytesSent, location, answer)
        outcome.metrics = metrics
        return outcome
    }

    var exitStatus: ExitStatus {
        switch result {
        case .accepted, .acceptedBefore: .accepted
        case .unverified: .server
        case .refused(let status): ExitStatus(status: status)
        case .failed(let error): ExitStatus(error.code)
        }
    }

    /// What went wrong and what to do about it, in one line; nil if nothing did.
    func complaint(_ options: UploadOptions) -> String? {
        let (problem, advice): (String, String?)
        switch result {
        case .accepted, .acceptedBefore: return nil
        case .unverified(let reason): (problem, advice) = (reason, nil)
        case .refused(let status):
            advice = Advice.afterStatus(
                status, location: location, isPut: options.content.put, isCompressed: options.content.coding != nil,
                hasCredentials: options.hasCredentials)
            problem = "the server answered \(status)" + (answerLine.map { " (\($0))" } ?? "")
        case .failed(let error):
            (problem, advice) = (error.description, Advice.after(error))
        }
        // Errors of files begin with their names.
        let name = problem.hasPrefix(job.label + ": ") ? "" : job.label + ": "
        return name + problem + (advice.map { ": \($0)" } ?? "")
    }

    /// The first line of the answer, if it is a short text for people; of a document of JSON, its member `error`.
    private var answerLine: String? {
        let line = answer.prefix { $0 != 0x0A && $0 != 0x0D }
        guard let first = line.first, line.count <= 300, first != UInt8(ascii: "<") else { return nil }
        let text = String(decoding: line, as: UTF8.self)
        guard first == UInt8(ascii: "{"), let start = text.firstRange(of: "\"error\":\"")?.upperBound else {
            return text
        }
        return String(text[start...].prefix { $0 != "\"" })
    }
}

/// All outcomes together, in constant memory.
struct Summary: Sendable {
    let total: Int
    private(set) var accepted = 0
    private(set) var failures: [ExitStatus: Int] = [:]
    private(set) var bytesSent: Int64 = 0

    init(total: Int) { self.total = total }

    var failed: Int { failures.values.reduce(0, +) }
    /// Were not begun, or were stopped by Ctrl-C.
    var unsent: Int { total - accepted - failed + (failures[.interrupted] ?? 0) }

    mutating func add(_ outcome: Outcome) {
        bytesSent += outcome.bytesSent
        let status = outcome.exitStatus
        if status == .accepted { accepted += 1 } else { failures[status, default: 0] += 1 }
    }

    func exitStatus(wasInterrupted: Bool) -> ExitStatus {
        ExitStatus(of: Set(failures.keys), wasInterrupted: wasInterrupted)
    }

    /// One line for people.
    func text(duration: Duration) -> String {
        var text = "\(accepted) of \(Format.count(total, "request")) accepted"
        let failed = failed - (failures[.interrupted] ?? 0)
        if failed > 0 { text += ", \(failed) failed" }
        if unsent > 0 { text += ", \(unsent) not sent" }
        return text + ", " + Format.volume(bytesSent, in: duration)
    }
}
