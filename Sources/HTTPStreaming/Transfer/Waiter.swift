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
        case partsSent(bytesSent: Int64)
        case answered(Answer)

        /// Bytes of the body that are with the network.
        var bytesSent: Int64 {
            switch self {
            case .partsSent(let bytesSent): bytesSent
            case .answered(let answer): answer.bytesSent
            }
        }
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

/// What an agent hands over of a response: its head, and where its content arrives.
struct Answer: Sendable {
    let status: Int
    let headerFields: HeaderFields
    let bytesSent: Int64
    /// Whether the request had a body without an announced length.
    let isBodyOfUnknownLength: Bool
    let content: ContentBuffer
    /// Whether a content coding was asked for by the client, which undoes it.
    let isDecoded: Bool
    let metrics: MetricsBox
}
