/// Decides which request continues an upload that the server keeps. A pure value: events go in, actions come out. It knows
/// offsets and attempts; ``UploadDialect`` translates header fields, and ``UploadRecord`` holds how much was sent.
struct ResumableUpload: Sendable {
    enum State: Equatable {
        /// The request itself is sent, which creates the upload. → `creating`, `asking`, `appending`, `ended`
        case creating
        /// The server is asked for its offset. → `asking`, `appending`, `fetching`, `creating`, `ended`
        case asking
        /// The body is sent from this offset to its end. → `asking`, `appending`, `creating`, `ended`
        case appending(from: Int64)
        /// The server has the whole body, but its response was lost: the end of the body, without bytes, asks for it.
        /// → `asking`, `ended`
        case fetching(end: Int64)
        /// The request has its result. Final.
        case ended
    }

    /// How a request of the upload ended.
    enum Event: Equatable {
        /// The final response was received.
        case answered(UploadAnswer)
        /// No valid response was received.
        case interrupted
    }

    /// What holds when a request of the upload has ended.
    struct Circumstances: Equatable {
        /// The body up to this offset has been passed to the network, in any request; nil if another process has sent it.
        var sentTo: Int64? = 0
        /// Whether the end of the body has been passed to the network.
        var isWholeSent = false
        /// The server has said that it keeps the body up to this offset.
        var acknowledged: Int64 = 0
        /// The length of the body; nil if it is not known.
        var length: Int64?
        /// Whether the body can be read from its beginning.
        var isRepeatable = true
        /// Whether the request may be processed twice.
        var mayRepeat = false
        /// A random number from 0 to 1.
        var chance = 1.0
    }

    enum Action: Equatable {
        /// Send the request from its beginning, after a delay.
        case create(after: Duration)
        /// Ask the server for its offset, after a delay.
        case ask(after: Duration)
        /// Send the body from this offset to its end, after a delay.
        case append(from: Int64, after: Duration)
        /// The last response, or the last error, is the result.
        case finish
        /// The upload cannot be continued, for this reason.
        case fail(String)
    }

    private(set) var state = State.creating
    private let retry: Client.Retry
    /// The number of requests since the last progress.
    private(set) var attempt = 1
    /// The sum of the delays since the last progress.
    private var waited = Duration.zero
    /// The highest offset that the server has ever had.
    private var highest: Int64 = 0

    init(_ retry: Client.Retry) { self.retry = retry }

    /// An upload that another process has begun.
    init(continuing retry: Client.Retry) {
        self.retry = retry
        state = .asking
    }

    /// To be called when the server has created an upload by a request without the body.
    mutating func created() -> Action {
        let action = Action.append(from: 0, after: .zero)
        enter(action, after: .interrupted)
        return action
    }

    /// To be called when a request of the upload has ended, once the server has given it a location.
    mutating func next(after event: Event, _ now: Circumstances) -> Action {
        note(now.acknowledged)
        let action =
            switch (state, event) {
            case (.ended, _):
                Action.finish
            case (_, .interrupted):
                tryAgain(.ask(after: .zero), now) ?? .finish
            case (.asking, .answered(let answer)):
                afterAsking(answer, now)
            case (.creating, .answered(let answer)), (.appending, .answered(let answer)):
                afterSending(answer, now)
            case (.fetching, .answered(let answer)):
                afterFetching(answer, now)
            }
        enter(action, after: event)
        return action
    }

    private mutating func enter(_ action: Action, after event: Event) {
        switch action {
        case .create: state = .creating
        case .ask: state = .asking
        case .append(let offset, _):
            if state == .asking, case .answered(let answer) = event, answer.isComplete == true {
                state = .fetching(end: offset)
            } else {
                state = .appending(from: offset)
            }
        case .finish, .fail: state = .ended
        }
    }

    private mutating func afterSending(_ answer: UploadAnswer, _ now: Circumstances) -> Action {
        // A response of the resource itself, whatever its status is.
        if answer.isComplete == true { return .finish }
        switch answer.status {
        case 200...299:
            return answer.isComplete == nil ? .finish : tryAgain(.ask(after: .zero), now) ?? .finish
        case 409:
            guard case .appending = state else { return .finish }
            guard let offset = answer.offset else { return tryAgain(.ask(after: .zero), now) ?? .finish }
            if let complaint = complaint(about: offset, now) { return .fail(complaint) }
            note(offset)
            return tryAgain(.append(from: offset, after: .zero), now) ?? .finish
        case 404, 410:
            guard case .appending = state else { return .finish }
            return afterLoss(now)
        default:
            guard answer.isTemporary else { return .finish }
            return tryAgain(.ask(after: .zero), now, answer.retryAfter) ?? .finish
        }
    }

    private mutating func afterAsking(_ answer: UploadAnswer, _ now: Circumstances) -> Action {
        switch answer.status {
        case 200...299:
            guard let offset = answer.offset else { return .fail("the server does not say how many bytes it has") }
            if let complaint = complaint(about: offset, now) { return .fail(complaint) }
            if answer.isComplete == true, let length = now.length, offset != length {
                return .fail("the server takes \(offset) of the \(length) bytes for the whole body")
            }
            note(offset)
            return .append(from: offset, after: .zero)
        case 404, 410:
            return afterLoss(now)
        default:
            let refusal = Action.fail("the server answered with status \(answer.status) when asked for its offset")
            guard answer.isTemporary else { return refusal }
            return tryAgain(.ask(after: .zero), now, answer.retryAfter) ?? refusal
        }
    }

    private mutating func afterFetching(_ answer: UploadAnswer, _ now: Circumstances) -> Action {
        if answer.isComplete == true || (200...299).contains(answer.status) { return .finish }
        let refusal = Action.fail(
            "the server has the whole body, but its response was lost, and it gives none again (status \(answer.status))"
        )
        guard answer.isTemporary else { return refusal }
        return tryAgain(.ask(after: .zero), now, answer.retryAfter) ?? refusal
    }

    /// The server does not know the upload any more.
    private mutating func afterLoss(_ now: Circumstances) -> Action {
        guard now.isRepeatable else { return .fail("the server no longer knows the upload") }
        // It may have removed the upload because that was complete.
        guard !now.isWholeSent || now.mayRepeat else {
            return .fail("the server no longer knows the upload, which may have been complete")
        }
        return tryAgain(.create(after: .zero), now) ?? .fail("the server no longer knows the upload")
    }

    /// Why the server cannot have the body up to this offset; nil if it can.
    private func complaint(about offset: Int64, _ now: Circumstances) -> String? {
        let limit = now.sentTo ?? now.length ?? .max
        guard offset > limit else { return nil }
        return "the server claims to have \(offset) bytes, but only \(limit) have been sent"
    }

    private mutating func note(_ offset: Int64) {
        guard offset > highest else { return }
        (highest, attempt, waited) = (offset, 1, .zero)
    }

    /// Adds the delay to an action; returns nil if no more attempts are left.
    private mutating func tryAgain(_ action: Action, _ now: Circumstances, _ retryAfter: Duration? = nil) -> Action? {
        guard
            let delay = retry.delay(
                afterAttempt: attempt, elapsed: waited, retryAfter: retryAfter, chance: now.chance)
        else { return nil }
        attempt += 1
        waited += delay
        return switch action {
        case .create: .create(after: delay)
        case .ask: .ask(after: delay)
        case .append(let offset, _): .append(from: offset, after: delay)
        case .finish, .fail: action
        }
    }
}

/// A final response to a request of an upload, as the upload sees it.
struct UploadAnswer: Equatable, Sendable {
    var status: Int
    /// How many bytes of the body the server has.
    var offset: Int64?
    /// Whether the server has the whole body.
    var isComplete: Bool?
    var retryAfter: Duration?

    /// Whether the same request may succeed later.
    var isTemporary: Bool { status >= 500 || [408, 423, 425, 429].contains(status) }

    /// Whether the server keeps the upload, so that it can be continued: later, or with other credentials.
    var leavesUpload: Bool { isComplete != true && (isTemporary || [401, 403, 407].contains(status)) }
}
