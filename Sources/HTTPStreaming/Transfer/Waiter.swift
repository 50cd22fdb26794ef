internal import ContentCoding

/// A caller that is suspended until a transfer reaches a goal. The agent resumes it once.
struct Waiter: Sendable {
    enum Goal {
        /// All parts given so far have been sent, or the server has responded and takes no more.
        case partsSent
        /// The response can be returned.
        case answer
        /// The head of the response was received, even if the request is still being sent.
        case head
    }

    enum Outcome: Sendable {
        case partsSent(bytesSent: Int64)
        case answered(TransferResponse)

        /// The number of body bytes that have been sent.
        var bytesSent: Int64 {
            switch self {
            case .partsSent(let bytesSent): bytesSent
            case .answered(let answer): answer.bytesSent
            }
        }
    }

    let goal: Goal
    private let resume: @Sendable (Result<Outcome, ClientError>) -> Void

    /// - Parameter resume: is called once.
    init(_ goal: Goal, _ resume: @escaping @Sendable (Result<Outcome, ClientError>) -> Void) {
        self.goal = goal
        self.resume = resume
    }

    func succeed(_ outcome: Outcome) { resume(.success(outcome)) }

    func fail(_ error: ClientError) { resume(.failure(error)) }
}

/// A response as the agent returns it: the head, and the buffer that receives the content.
struct TransferResponse: Sendable {
    let status: Int
    let headerFields: HeaderFields
    /// See ``ResponseHeadReader/encodedLocation``.
    let encodedLocation: String?
    let bytesSent: Int64
    /// Whether the request had a body without an announced length.
    let isBodyOfUnknownLength: Bool
    let content: ContentBuffer
    /// Whether the client decodes content codings that it has asked for.
    let isDecoded: Bool
    let metrics: MetricsBox
    /// The minimum time between two reports of how much has been received.
    let progressInterval: Duration
}

extension TransferResponse {
    /// The coding that is to be removed from the content; nil for none.
    func coding(isDecoded: Bool) -> Coding? {
        isDecoded ? headerFields["Content-Encoding"].flatMap { Coding(token: $0) } : nil
    }
}
