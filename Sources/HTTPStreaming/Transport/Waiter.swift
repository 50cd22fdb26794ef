/// A caller that is suspended until a transfer has got somewhere. Resumed once, by the agent.
struct Waiter: Sendable {
    enum Goal {
        /// That the network has taken the parts given so far, or the server has answered and takes no
        /// more.
        case partsSent
        /// That the response can be returned.
        case answer
    }

    enum Outcome: Sendable {
        case partsSent
        case answered(Answer)
    }

    let goal: Goal
    private let continuation: CheckedContinuation<Outcome, any Error>

    init(_ goal: Goal, _ continuation: CheckedContinuation<Outcome, any Error>) {
        self.goal = goal
        self.continuation = continuation
    }

    func succeed(_ outcome: Outcome) { continuation.resume(returning: outcome) }

    func fail(_ error: ClientError) { continuation.resume(throwing: error) }
}
