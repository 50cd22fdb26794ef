internal import Platform
internal import Synchronization

/// The agents of the process: one for each core, four at most. An agent is started when all others have clients, and never
/// stopped.
final class AgentPool: Sendable {
    static let shared = AgentPool()

    private let agents = Mutex<[(agent: Agent, clients: Int)]>([])
    private let limit = min(4, Processors.count)

    /// The number of agents.
    var count: Int { agents.withLock { $0.count } }

    /// The number of clients, including those that were released before their responses.
    var clientCount: Int { agents.withLock { $0.reduce(0) { $0 + $1.clients } } }

    /// Assigns a client to the agent with the fewest clients.
    func agent() throws(ClientError) -> Agent {
        try agents.withLock { agents throws(ClientError) in
            let fewest = agents.indices.min { agents[$0].clients < agents[$1].clients }
            if let fewest, agents[fewest].clients == 0 || agents.count == limit {
                agents[fewest].clients += 1
                return agents[fewest].agent
            }
            let agent = try Agent(number: agents.count + 1)
            agents.append((agent, 1))
            return agent
        }
    }

    /// To be called when a client of the agent is gone.
    func release(_ agent: Agent) {
        agents.withLock { agents in
            guard let index = agents.firstIndex(where: { $0.agent === agent }) else { return }
            agents[index].clients -= 1
        }
    }
}

extension BufferBudget {
    /// The budget of the process.
    static let shared = BufferBudget(limit: 64 << 20) { AgentPool.shared.clientCount }
}
