import ContentCoding
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Client, buffer budget", .serialized, .timeLimit(.minutes(3)))
struct ClientBufferBudgetTests {
    private func client(
        _ url: String, _ budget: BufferBudget, _ coding: Client.ContentCoding = .identity
    ) throws -> Client {
        return try Client(.post, url) {
            $0.buffers = budget
            $0.contentCoding = coding
        }
    }

    private func budget(_ kibibytes: Int, clients: Int = 4) -> BufferBudget {
        BufferBudget(limit: kibibytes << 10) { clients }
    }

    /// The agents let go of a transfer's memory soon after its caller has gone on.
    private func becomes(_ expected: Int, _ value: () -> Int) async throws {
        #expect(try await eventually { value() == expected })
    }

    @Test("twenty clients with room for four all finish, and their sum stays within the budget")
    func crowd() async throws {
        let recorder = Recorder()
        let server = try FaultServer(receiveBuffer: 8192, recorder.serve)
        let budget = budget(256, clients: 20)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                let client = try client(server.url, budget)
                group.addTask {
                    for _ in 0..<3 {
                        let part = Part("file", .bytes(bottles(200_000 + number)))
                        let status = try await client.send(part).status
                        #expect(status == 201)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(recorder.count == 60)
        #expect(budget.peak <= 256 << 10)
        #expect(budget.peak >= 128 << 10)
        try await becomes(0) { budget.used }
    }

    /// Holds the first request it gets until the gate opens; keeps the order of all.
    private func holdingServer(_ gate: Gate, _ order: Shared<[Int]>, arrived: Gate) throws -> FaultServer {
        try FaultServer { connection in
            while let (_, body) = try connection.readRequest() {
                order.update { $0.append(body.count { $0 == UInt8(ascii: "#") }) }
                arrived.open()
                if connection.number == 1 { gate.wait() }
                try connection.respond(201)
            }
        }
    }

    /// A part that a holding server knows by its number.
    private func numbered(_ number: Int, _ count: Int = 100_000) -> Part {
        Part(
            "file",
            .bytes([UInt8](repeating: UInt8(ascii: "#"), count: number) + [UInt8](repeating: 7, count: count - number)))
    }

    @Test("waiting clients are served in order; a cancelled one leaves without sending") func order() async throws {
        let (gate, arrived, order) = (Gate(), Gate(), Shared<[Int]>([]))
        let server = try holdingServer(gate, order, arrived: arrived)
        let budget = budget(64)
        let clients = try (0..<10).map { _ in try client(server.url, budget) }
        var sending: [Task<Int, any Error>] = []
        for (number, client) in clients.enumerated() {
            sending.append(Task { try await client.send(numbered(number)).status })
            if number == 0 { await arrived.opened() }
            try await becomes(number) { budget.waitingCount }
        }
        for cancelled in [4, 7] {
            sending[cancelled].cancel()
            let error = await expectError(.cancelled) { try await sending[cancelled].value }
            #expect(error?.bytesSent == 0)
        }
        #expect(budget.waitingCount == 7)
        #expect(order.value == [0])
        gate.open()
        for (number, sending) in sending.enumerated() where ![4, 7].contains(number) {
            #expect(try await sending.value == 201)
        }
        #expect(order.value == [0, 1, 2, 3, 5, 6, 8, 9])
        #expect(budget.peak == 64 << 10)
        // It can be used again.
        #expect(try await clients[4].send(numbered(4)).status == 201)
        try await becomes(0) { budget.used }
    }

    @Test("a released client leaves the queue") func gone() async throws {
        let (gate, arrived, order) = (Gate(), Gate(), Shared<[Int]>([]))
        let server = try holdingServer(gate, order, arrived: arrived)
        let budget = budget(64)
        let first = try client(server.url, budget)
        let holding = Task { try await first.send(.filler(100_000)).status }
        await arrived.opened()
        let waiting = Task { try await client(server.url, budget).send(.filler(100_000)).status }
        try await becomes(1) { budget.waitingCount }
        waiting.cancel()
        await #expect(throws: ClientError.self) { try await waiting.value }
        try await becomes(0) { budget.waitingCount }
        gate.open()
        #expect(try await holding.value == 201)
        try await becomes(0) { budget.used }
    }

    @Test("an open request keeps its buffer until it is closed; requests without a body need none")
    func open() async throws {
        let server = try FaultServer(Recorder().serve)
        let budget = budget(64)
        let open = try client(server.url, budget)
        try await open.sendUnclosed(.filler(10))
        #expect(budget.used == 64 << 10)
        #expect(try await Client(.get, server.url, { $0.buffers = budget }).send().status == 201)
        let other = try client(server.url, budget)
        let waiting = Task { try await other.send(.filler(20)).status }
        try await becomes(1) { budget.waitingCount }
        try await open.sendUnclosed(.filler(30))
        #expect(try await open.close().status == 201)
        #expect(try await waiting.value == 201)
        try await becomes(0) { budget.used }
    }

    @Test("a short body uses only libcurl's minimum") func short() async throws {
        let server = try FaultServer(Recorder().serve)
        let budget = budget(1024, clients: 1)
        #expect(try await client(server.url, budget).send(.filler(1000)).status == 201)
        #expect(budget.peak == 16 << 10)
    }

    @Test("gzip bodies wait for room for their encoders and arrive unchanged") func coded() async throws {
        let recorder = Recorder()
        let server = try FaultServer(recorder.serve)
        // Two with one worker each.
        let budget = budget(4 << 10, clients: 8)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                let client = try client(server.url, budget, number % 2 == 0 ? .gzip(level: 1) : .identity)
                group.addTask {
                    let part = Part("file", .bytes(bottles(1_000_000 + number)))
                    let status = try await client.send(number % 2 == 0 ? part : part.gzipped(level: 1)).status
                    #expect(status == 201)
                }
            }
            try await group.waitForAll()
        }
        let bodies = recorder.requests.filter { $0.head["content-encoding"] == "gzip" }.map(\.body)
        #expect(bodies.count == 4)
        for body in bodies {
            let message = try Coding.gzip.decode(body, limits: .init())
            #expect(message.count > 1_000_000)
        }
        #expect(budget.peak <= 4 << 20)
        #expect(budget.peak > 3 << 20)
        try await becomes(0) { budget.used }
    }

    @Test("an open request's first gzipped part waits for room; it can be cancelled and refused")
    func appended() async throws {
        let refuse = Gate()
        let server = try FaultServer { connection in
            guard let head = try connection.readHeadAndContinue() else { return }
            if head.line.hasPrefix("POST /refusing") {
                _ = try connection.readChunk()
                refuse.wait()
                return try connection.respond(413)
            }
            while case let chunk = try connection.readChunk(), !chunk.isEmpty {}
            try connection.respond(201)
        }
        let budget = budget(2100, clients: 100)
        let holder = try client(server.url, budget)
        try await holder.sendUnclosed(.filler(10))
        try await holder.sendUnclosed(.filler(10).gzipped())
        let cancelled = try client(server.url, budget)
        try await cancelled.sendUnclosed(.filler(10))
        let refused = try client(server.url + "refusing", budget)
        try await refused.sendUnclosed(.filler(10))
        let first = Task { try await cancelled.sendUnclosed(.filler(10).gzipped()) }
        try await becomes(1) { budget.waitingCount }
        let second = Task { try await refused.sendUnclosed(.filler(10).gzipped()) }
        try await becomes(2) { budget.waitingCount }
        first.cancel()
        await expectError(.cancelled) { try await first.value }
        refuse.open()
        #expect(try await second.value == false)
        #expect(try await refused.close().status == 413)
        #expect(budget.waitingCount == 0)
        #expect(try await holder.close().status == 201)
        try await becomes(0) { budget.used }
    }

    @Test("nothing stays reserved after 200 requests, some failed, refused or cancelled") func mixed() async throws {
        print("ClientBufferBudgetTests.mixed: seed \(SeededGenerator.seed)")
        let server = try FaultServer(receiveBuffer: 8192) { connection in
            while let head = try connection.readHead() {
                switch head["x-kind"] {
                case "reset": return
                case "refuse":
                    _ = try connection.receive(count: 1000)
                    return try connection.respond(413, fields: "Connection: close\r\n")
                default:
                    _ = try connection.readBody(of: head)
                    try connection.respond(201)
                }
            }
        }
        let directory = try TemporaryDirectory()
        let budget = budget(512, clients: 10)
        let outcomes = Shared<[String: Int]>([:])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<10 {
                group.addTask {
                    var random = SeededGenerator(case: worker)
                    for number in 0..<20 {
                        let kind = ["fine", "open", "reset", "refuse", "nobody", "missing", "cancel", "gzip"][
                            (worker * 20 + number) % 8]
                        let client = try Client(
                            .post, kind == "nobody" ? "http://127.0.0.1:\(LoopbackPort.refusing)" : server.url
                        ) {
                            $0.buffers = budget
                            $0.headerFields = ["X-Kind": kind]
                            $0.expect = .never
                            if kind == "gzip" { $0.contentCoding = .gzip(workers: 1) }
                        }
                        let size = Int.random(in: 1...300_000, using: &random)
                        let part = kind == "missing" ? Part.file(directory.path("none")) : .filler(size)
                        let delay = Int.random(in: 0...20, using: &random)
                        let sending = Task {
                            if kind == "open" { try await client.sendUnclosed(part) }
                            return try await client.send(part).status
                        }
                        if kind == "cancel" {
                            try await Task.sleep(for: .milliseconds(delay))
                            sending.cancel()
                        }
                        let outcome =
                            switch await sending.result {
                            case .success(let status): "\(status)"
                            case .failure(let error): "\((error as? ClientError)?.code.description ?? "?")"
                            }
                        outcomes.update { $0["\(kind) \(outcome)", default: 0] += 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        print("ClientBufferBudgetTests.mixed: \(outcomes.value.sorted { $0.key < $1.key })")
        for kind in ["fine", "open", "gzip"] { #expect(outcomes.value["\(kind) 201"] == 25) }
        #expect(outcomes.value["nobody connectionFailed"] == 25)
        #expect(outcomes.value["missing sourceUnreadable"] == 25)
        #expect(budget.peak <= 512 << 10)
        try await becomes(0) { budget.used }
        #expect(budget.waitingCount == 0)
    }

    @Test("the process's budget is 64 MiB unless it is set") func process() {
        #expect(Client.Configuration.bufferBudget == 64 << 20)
        // What others, who run at the same time, do not notice.
        Client.Configuration.bufferBudget = 65 << 20
        #expect(BufferBudget.shared.limit == 65 << 20)
        Client.Configuration.bufferBudget = 64 << 20
    }
}
