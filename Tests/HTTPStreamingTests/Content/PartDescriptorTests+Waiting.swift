import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Pipes that are empty for some time.
extension PartDescriptorTests {
    @Test("a send that waits for a pipe can be cancelled and leaves no descriptor open", arguments: [false, true])
    func cancelled(coded: Bool) async throws {
        let pipe = try OpenPipe()
        let client = try Client(.post, server.url) { if coded { $0.contentCoding = .gzip() } }
        let before = try openDescriptors(like: pipe.reader)
        let task = Task { try await client.send(Part("file", .descriptor(pipe.reader))) }
        #expect(try await eventually { server.accepted == 1 })
        #expect(try openDescriptors(like: pipe.reader) == before + 1)
        pipe.write([1])
        #expect(try await eventually { pipe.isDrained })
        task.cancel()
        await expectError(.cancelled) { try await task.value }
        #expect(try await eventually { try openDescriptors(like: pipe.reader) == before })
    }

    @Test("idle pipes and streams use no processor time") func idle() async {
        await #expect(processExitsWith: .success) {
            let server = try FaultServer(Recorder().serve)
            let pipe = try OpenPipe()
            let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
            var coded = Client.Configuration()
            coded.contentCoding = .gzip()
            var digested = Client.Configuration()
            digested.digest = .sha256
            let tasks = try [
                (Client.Configuration(), Part("file", .descriptor(pipe.reader))),
                (coded, Part("file", .descriptor(pipe.reader))),
                (coded, Part("file", .descriptor(pipe.reader)).gzipped()),
                (Client.Configuration(), Part("file", .stream(stream))),
                (digested, Part("file", .descriptor(pipe.reader))),
            ].map { configuration, part in
                let client = try Client(.post, server.url, configuration: configuration)
                return Task { try await client.send(part) }
            }
            pipe.write([1])
            continuation.yield([1])
            // Until all have begun: some wait a second for the server's 100.
            try await Task.sleep(for: .seconds(2))
            let start = processorTime()
            try await Task.sleep(for: .seconds(1))
            let used = processorTime() - start
            guard used < .milliseconds(200) else { throw FaultError("\(used) of processor time for waiting") }
            for task in tasks { task.cancel() }
        }
    }

    @Test("stalled pipes do not delay other clients of the same agents") func stalled() async throws {
        let pipes = try (0..<20).map { _ in try OpenPipe() }
        let tasks = try pipes.map { pipe in
            let client = try Client(.post, server.url)
            return Task { try await client.send(Part("file", .descriptor(pipe.reader))).status }
        }
        #expect(try await eventually { server.accepted == pipes.count })
        let others = try (0..<8).map { _ in try Client(.post, server.url) }
        for client in others {
            for _ in 0..<5 { #expect(try await client.send(Part("file", .bytes(bottles(200_000)))).status == 201) }
        }
        for pipe in pipes {
            pipe.write([1])
            pipe.finish()
        }
        for task in tasks { #expect(try await task.value == 201) }
        #expect(AgentPool.shared.count <= 4)
    }

    @Test("while the pipe is empty, a refusal is the response, and a closed connection an error")
    func answered() async throws {
        for refuses in [true, false] {
            let server = try refuses ? refusingServer(413, "too long") : FaultServer { try $0.readBeginning() }
            let pipe = try OpenPipe()
            pipe.write([1, 2, 3])
            let client = try Client(.post, server.url)
            do {
                let response = try await client.send(Part("file", .descriptor(pipe.reader)))
                #expect(try await response.summary() == "413 too long" && refuses)
            } catch let error as ClientError {
                #expect(!refuses && error.code == .connectionLost, "\(error)")
            }
        }
    }
}
