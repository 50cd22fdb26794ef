import HTTPStreaming

/// How far the requests are, as a value.
struct TransferState {
    /// A request under way.
    struct Active {
        let label: String
        /// Bytes of the files; nil if it is unknown.
        let size: Int64?
        var read: Int64 = 0
        /// Of its body.
        var fraction: Double?
        var speed: Speedometer
        /// What it waits for: `status 503: attempt 2 of 3`.
        var retry: String?
        /// How many redirects ``newRedirects(_:_:)`` has returned.
        var redirectCount = 0
    }

    let total: Int
    /// Bytes of all files; nil if that of one is unknown.
    let size: Int64?
    private(set) var ended = 0
    private var endedBytes: Int64 = 0
    /// By the index of the request.
    private(set) var active: [Int: Active] = [:]
    /// All bytes read, also those that are read again.
    private var moved: Int64 = 0
    private var speed: Speedometer

    init(_ jobs: [Job], at now: ContinuousClock.Instant) {
        total = jobs.count
        size = jobs.reduce(0) { sum, job in sum.flatMap { sum in job.size.map { sum + $0 } } }
        speed = Speedometer(at: now)
    }

    /// The bytes read of all files.
    var read: Int64 { active.values.reduce(endedBytes) { $0 + min($1.read, $1.size ?? .max) } }

    var fraction: Double? { size.map { $0 == 0 ? 1 : min(1, Double(read) / Double($0)) } }

    /// Bytes per second of the last seconds.
    func rate(at now: ContinuousClock.Instant) -> Double { speed.rate(at: now, bytes: moved) }

    /// Nil if it cannot be estimated.
    func timeLeft(at now: ContinuousClock.Instant) -> Duration? {
        Self.timeLeft(size.map { $0 - read }, rate(at: now))
    }

    static func timeLeft(_ bytes: Int64?, _ rate: Double) -> Duration? {
        guard let bytes, rate >= 1 else { return nil }
        return .seconds(max(0, Double(bytes)) / rate)
    }

    /// Whether no request is under way or waits.
    var isFinished: Bool { ended == total }

    mutating func begin(_ job: Job, at now: ContinuousClock.Instant) {
        active[job.index] = Active(label: job.label, size: job.size, speed: Speedometer(at: now))
    }

    /// - Parameter before: the bytes that another process had read when it was interrupted.
    mutating func update(
        _ job: Job, _ progress: UploadProgress, before: Int64 = 0, at now: ContinuousClock.Instant
    ) {
        guard var entry = active[job.index] else { return }
        if entry.read < before, progress.bytesRead >= before {
            entry.read = before
            entry.speed = Speedometer(at: now, bytes: before)
        }
        moved += max(0, progress.bytesRead - entry.read)
        entry.read = progress.bytesRead
        entry.fraction = progress.fractionCompleted
        entry.retry = progress.retry.map { "\($0.cause): attempt \($0.attempt) of \($0.maximumAttempts)" }
        entry.speed.note(progress.bytesRead, at: now)
        active[job.index] = entry
        speed.note(moved, at: now)
    }

    /// The redirects of a request that this has not returned yet.
    mutating func newRedirects(_ job: Job, _ progress: UploadProgress) -> ArraySlice<UploadProgress.Redirect> {
        let count = active[job.index]?.redirectCount ?? 0
        active[job.index]?.redirectCount = progress.redirects.count
        return progress.redirects.dropFirst(count)
    }

    /// For tests.
    mutating func setActive(_ entry: Active, at index: Int) {
        moved += entry.read
        active[index] = entry
    }

    mutating func end(_ outcome: Outcome) {
        active[outcome.job.index] = nil
        ended += 1
        // Whatever has become of it, it is no longer to be sent.
        endedBytes += outcome.job.size ?? outcome.bytesSent
    }
}

/// The rate of about the last five seconds.
struct Speedometer {
    private var samples: [(time: ContinuousClock.Instant, bytes: Int64)]

    init(at now: ContinuousClock.Instant, bytes: Int64 = 0) { samples = [(now, bytes)] }

    mutating func note(_ bytes: Int64, at now: ContinuousClock.Instant) {
        // A request that is sent again begins at 0.
        if let last = samples.last, bytes < last.bytes { samples = [] }
        if let last = samples.last, samples.count > 1, now - last.time < .milliseconds(200) { return }
        samples.append((now, bytes))
        while samples.count > 2, now - samples[0].time > .seconds(5) { samples.removeFirst() }
    }

    /// Bytes per second; 0 before the second moment.
    func rate(at now: ContinuousClock.Instant, bytes: Int64) -> Double {
        guard let first = samples.first, bytes > first.bytes else { return 0 }
        return Double(bytes - first.bytes) / max((now - first.time) / .seconds(1), 0.05)
    }
}
