/// A caller that is suspended until a transfer has got somewhere. Resumed once, by the agent.
struct Waiter: Sendable {
    enum Goal {
        /// That the network has taken the parts given so far, or the server has answered and takes no
        /// more.
        case partsSent
        /// That the response can be returned.
        case answer
        /// That the head of the response is here, wherever the request is.
        case head
    }

    enum Outcome: Sendable {
        case partsSent
        case answered(Answer)
    }

    let goal: Goal
    private let resume: @Sendable (Result<Outcome, any Error>) -> Void

    /// - Parameter resume: called once.
    init(_ goal: Goal, _ resume: @escaping @Sendable (Result<Outcome, any Error>) -> Void) {
        self.goal = goal
        self.resume = resume
    }

    func succeed(_ outcome: Outcome) { resume(.success(outcome)) }

    func fail(_ error: ClientError) { resume(.failure(error)) }
}
