internal import Platform
internal import Synchronization

/// The agents of the process: as many as it has cores, four at most, each started when all before
/// it have clients, and kept for as long as the process lives.
final class AgentPool: Sendable {
    static let shared = AgentPool()

    private struct State {
        var agents: [(agent: Agent, clients: Int)] = []
    }

    private let state = Mutex(State())
    private let limit = min(4, Processors.count)

    /// How many agents there are.
    var count: Int { state.withLock { $0.agents.count } }

    /// How many clients there are, and responses that outlive theirs.
    var clientCount: Int { state.withLock { $0.agents.reduce(0) { $0 + $1.clients } } }

    /// The agent with the fewest clients.
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

    /// One client less.
    func release(_ agent: Agent) {
        state.withLock { state in
            guard let index = state.agents.firstIndex(where: { $0.agent === agent }) else { return }
            state.agents[index].clients -= 1
        }
    }
}
