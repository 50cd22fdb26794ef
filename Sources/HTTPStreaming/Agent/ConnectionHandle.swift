/// Keeps a client's connection open. The client and its unread responses hold a reference; releasing the last one closes
/// the connection.
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
