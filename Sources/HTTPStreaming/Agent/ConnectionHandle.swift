/// A client's claim on its connection, which its agent keeps. Held by the client and by whoever may
/// still read its responses; when the last of them is gone, the connection is closed.
final class ConnectionHandle: Sendable {
    let agent: Agent
    let id: UInt64

    init() throws(ClientError) {
        agent = try AgentPool.shared.agent()
        id = agent.claimConnection()
    }

    deinit {
        agent.post(.release(connection: id))
        AgentPool.shared.release(agent)
    }
}
