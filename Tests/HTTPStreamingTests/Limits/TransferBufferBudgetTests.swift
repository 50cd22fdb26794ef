import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Buffer budget of transfers", .timeLimit(.minutes(3)))
struct TransferBufferBudgetTests {
    private func budget(_ kibibytes: Int, clients: Int = 1) -> BufferBudget {
        BufferBudget(limit: kibibytes << 10) { clients }
    }

    private func demand(_ least: Int, _ most: Int) -> BufferDemand {
        BufferDemand(least: least << 10, most: most << 10)
    }

    /// What is granted at once; nil if it waits.
    private func take(_ demand: BufferDemand, of budget: BufferBudget) -> BufferGrant? {
        guard case .granted(let grant) = budget.take(demand, onGrant: { _ in }) else { return nil }
        return grant
    }

    /// Outside of the lock: the next grant may come from within.
    private func letGo<Grants: RangeReplaceableCollection & Sendable>(of grants: borrowing Mutex<Grants>) {
        let old = grants.withLock { grants in
            defer { grants = Grants() }
            return grants
        }
        withExtendedLifetime(old) {}
    }

    @Test(
        "a client gets what it wants, a quarter of the budget, or the minimum",
        arguments: [(1, 512), (1, 2048), (32, 512), (64, 256), (1000, 64)])
    func shares(clients: Int, expected: Int) throws {
        let budget = budget(64 << 10, clients: clients)
        let wanted = clients == 1 ? expected : 512
        let grant = try #require(take(demand(64, wanted), of: budget))
        #expect(grant.bytes == expected << 10)
        #expect(budget.used == expected << 10)
    }

    @Test("a thousand clients and 24 more have a buffer each; further ones wait") func thousand() {
        let budget = budget(64 << 10, clients: 1024)
        let grants = (0..<1024).map { _ in take(demand(64, 512), of: budget) }
        #expect(grants.allSatisfy { $0?.bytes == 64 << 10 })
        #expect(take(demand(16, 16), of: budget) == nil)
        withExtendedLifetime(grants) { #expect(budget.used == budget.limit) }
    }

    @Test("a request without a body waits for nothing") func none() throws {
        let budget = budget(64)
        let all = take(demand(64, 64), of: budget)
        #expect(take(demand(64, 64), of: budget) == nil)
        #expect(take(.none, of: budget)?.bytes == 0)
        withExtendedLifetime(all) {}
    }

    @Test("requests are served in order: a small one does not overtake a large one") func order() throws {
        let budget = budget(128)
        let served = Mutex<[(number: Int, grant: BufferGrant)]>([])
        var first = take(demand(64, 64), of: budget)
        var second = take(demand(64, 64), of: budget)
        for (number, size) in [(1, 120), (2, 16), (3, 16)] {
            guard
                case .waiting = budget.take(
                    demand(size, size), onGrant: { grant in served.withLock { $0.append((number, grant)) } })
            else { return #expect(Bool(false), "\(number) did not wait") }
        }
        withExtendedLifetime((first, second)) {}
        first = nil
        #expect(served.withLock { $0.isEmpty })
        second = nil
        #expect(served.withLock { $0.map(\.number) } == [1])
        letGo(of: served)
        #expect(served.withLock { $0.map(\.number) } == [2, 3])
    }

    @Test("a request that leaves the queue makes room and gets nothing") func withdrawal() throws {
        let budget = budget(128)
        let served = Mutex<[BufferGrant]>([])
        var half = take(demand(64, 64), of: budget)
        guard case .waiting(let ticket) = budget.take(demand(128, 128), onGrant: { _ in Issue.record("withdrawn") })
        else { return #expect(Bool(false), "did not wait") }
        _ = budget.take(demand(64, 64)) { grant in served.withLock { $0.append(grant) } }
        #expect(budget.waitingCount == 2)
        budget.withdraw(ticket)
        #expect(served.withLock { $0.map(\.bytes) } == [64 << 10])
        budget.withdraw(ticket)
        withExtendedLifetime(half) {}
        half = nil
        letGo(of: served)
        #expect((budget.used, budget.waitingCount) == (0, 0))
    }

    @Test("a larger limit admits waiting requests; a smaller one first waits for releases") func limit() throws {
        let budget = budget(64)
        let served = Mutex<[BufferGrant]>([])
        var all = take(demand(64, 64), of: budget)
        _ = budget.take(demand(64, 64)) { grant in served.withLock { $0.append(grant) } }
        budget.limit = 128 << 10
        #expect(served.withLock { $0.count } == 1)
        budget.limit = 0
        #expect(budget.limit == BufferBudget.leastUpload)
        letGo(of: served)
        #expect(take(demand(16, 16), of: budget) == nil)
        withExtendedLifetime(all) {}
        all = nil
        #expect((budget.used, budget.waitingCount) == (0, 0))
    }

    @Test("a request for more than the whole budget gets the whole budget") func tooLarge() throws {
        #expect(take(demand(1 << 20, 1 << 20), of: budget(256))?.bytes == 256 << 10)
    }

    @Test("many threads, some of which withdraw, never exceed the limit and leave nothing reserved")
    func contention() async throws {
        print("TransferBufferBudgetTests.contention: seed \(SeededGenerator.seed)")
        let budget = budget(512, clients: 4)
        let held = Shared((now: 0, most: 0))
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask { [self] in
                    var random = SeededGenerator(case: worker)
                    for _ in 0..<100 { await use(budget, held, &random) }
                }
            }
        }
        #expect(held.value.most <= 512 << 10)
        #expect(budget.peak <= 512 << 10)
        #expect(budget.peak > 256 << 10)
        #expect((budget.used, budget.waitingCount) == (0, 0))
    }

    private func use(
        _ budget: BufferBudget, _ held: Shared<(now: Int, most: Int)>,
        _ random: inout some RandomNumberGenerator
    ) async {
        let least = Int.random(in: 1...200, using: &random)
        let wanted = demand(least, least + Int.random(in: 0...200, using: &random))
        let leaves = Int.random(in: 0..<10, using: &random) == 0
        let (grants, grantedLater) = AsyncStream<BufferGrant>.makeStream()
        var grant: BufferGrant?
        switch budget.take(wanted, onGrant: { grantedLater.yield($0) }) {
        case .granted(let now): grant = now
        case .waiting(let ticket) where leaves: budget.withdraw(ticket)
        case .waiting: for await later in grants.prefix(1) { grant = later }
        }
        grantedLater.finish()
        guard let bytes = grant?.bytes else { return }
        held.update { $0 = ($0.now + bytes, max($0.most, $0.now + bytes)) }
        await Task.yield()
        held.update { $0.now -= bytes }
        withExtendedLifetime(grant) {}
    }
}
