internal import Platform
internal import Synchronization

/// The agents of the process: one for each core, four at most. An agent is started when all others have clients, and never
/// stopped.
final class AgentPool: Sendable {
    static let shared = AgentPool()

    private struct State {
        var agents: [(agent: Agent, clients: Int)] = []
    }

    private let state = Mutex(State())
    private let limit = min(4, Processors.count)

    /// The number of agents.
    var count: Int { state.withLock { $0.agents.count } }

    /// The number of clients, including those that were released before their responses.
    var clientCount: Int { state.withLock { $0.agents.reduce(0) { $0 + $1.clients } } }

    /// Assigns a client to the agent with the fewest clients.
    func agent() throws(ClientError) -> Agent {
        try state.withLock { state throws(ClientError) in
            let fewest = state.agents.indices.min { state.agents[$0].clients < state.agents[$1].clients }
            if let fewest, state.agents[fewest].clients == 0 || state.agents.count == limit {
                state.agents[fewest].clients += 1
                return state.agents[fewest].agent
            }
            let agent = try Agent(number: state.agents.count + 1)
            state.agents.append((agent, 1))
            return agent
        }
    }

    /// To be called when a client of the agent is gone.
    func release(_ agent: Agent) {
        state.withLock { state in
            guard let index = state.agents.firstIndex(where: { $0.agent === agent }) else { return }
            state.agents[index].clients -= 1
        }
    }
}
