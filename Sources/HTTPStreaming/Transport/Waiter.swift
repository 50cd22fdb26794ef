/// A caller that is suspended until a transfer has got somewhere. Resumed once, by the agent.
enum Waiter: Sendable {
    /// Until the network has taken the parts given so far; false if the server has answered and
    /// takes no more.
    case parts(CheckedContinuation<Bool, any Error>)
    /// Until the response can be returned.
    case answer(CheckedContinuation<Answer, any Error>)

    func fail(_ error: ClientError) {
        switch self {
        case .parts(let continuation): continuation.resume(throwing: error)
        case .answer(let continuation): continuation.resume(throwing: error)
        }
    }
}
