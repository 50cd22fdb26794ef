#if os(Linux)
import ContentCoding
import Crypto
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Receiver

/// Uploads go on after the server was killed.
@Suite("Uploads to a killed server", .timeLimit(.minutes(4)))
struct KilledUploadTests {
    /// A server that is killed and started again.
    private final class Server: Sendable {
        let directory: TemporaryDirectory
        private let arguments: [String]
        private let running = Mutex<ServerProcess?>(nil)

        init(_ arguments: [String] = []) throws {
            directory = try TemporaryDirectory()
            self.arguments = ["--dir", directory.path, "--log-level", "error"] + arguments
        }

        deinit { running.withLock { $0?.process.terminate(SIGKILL) } }

        func restart() async throws {
            if let process = running.withLock({ $0.take() })?.process {
                process.terminate(SIGKILL)
                _ = await process.result()
            }
            let next = try await ServerProcess.start(arguments)
            running.withLock { $0 = next }
        }

        var process: Subprocess? { running.withLock { $0?.process } }

        var client: ResumingClient { ResumingClient(port: running.withLock { $0?.port ?? 0 }) }
    }

    private static func isAtRest(_ directory: TemporaryDirectory) throws -> Bool {
        // Only requests and answers are left.
        for name in try directory.contents() where name.hasPrefix(".") {
            let files = try FileManager.default.contentsOfDirectory(atPath: directory.path(name))
            guard Set(files) == ["request", "answer"] else { return false }
        }
        return true
    }

    @Test("killed between requests, forms arrive byte for byte", arguments: ["full", "relaxed"])
    func between(durability: String) async throws {
        let server = try Server(["--durability", durability])
        try await server.restart()
        for number in 80..<84 {
            let form = AwkwardForm(case: number, name: "f\(number)")
            let isCoded = number.isMultiple(of: 2)
            let body = isCoded ? try Samples.encoded(form.body, .gzip) : form.body
            let (answer, _) = try await CutUploadTests.send(
                body, "POST", "/", AwkwardForm.fields + (isCoded ? ["Content-Encoding: gzip"] : []), { server.client },
                case: number, cuts: 5
            ) { try await server.restart() }
            #expect(answer.status == 201, "seed \(SeededGenerator.seed), case \(number): \(answer.body)")
            for (filename, content) in form.files {
                #expect(
                    try [UInt8](server.directory.read(filename)) == content,
                    "seed \(SeededGenerator.seed), case \(number), \(filename)")
            }
        }
        #expect(try Self.isAtRest(server.directory))
    }

    @Test("killed while it receives, the server tells no offset that it does not have", arguments: 90..<96)
    func receiving(number: Int) async throws {
        var generator = SeededGenerator(case: number)
        let content = generator.bytes(48 << 20)
        let server = try Server()
        try await server.restart()
        let client = server.client
        let sending = Task {
            // Fails when the server is killed.
            try? await client.ask("PUT", "/a", ["Upload-Complete: ?1"], content)
        }
        // Until the upload has begun.
        var names: [String] = []
        while names.isEmpty {
            try await Task.sleep(for: .milliseconds(1))
            names = try server.directory.contents().filter { $0.hasPrefix(".http-streaming-unfinished-") }
        }
        try await Task.sleep(for: .milliseconds(Int.random(in: 0...800, using: &generator)))
        try await server.restart()
        if let answer = await sending.value {
            // The server was faster.
            #expect(answer.status == 201)
        } else {
            let location = "/.uploads/" + names[0].dropFirst(".http-streaming-unfinished-".count)
            let status = try await server.client.status(String(location))
            if status.status == 404 {
                // Killed before the request was recorded.
                #expect(try server.directory.contents().isEmpty)
                return
            }
            let offset = try #require(status.final.offset)
            print("case \(number): killed at \(offset) of \(content.count) bytes")
            let isComplete = status.fields["upload-complete"] == "?1"
            let rest = isComplete ? [] : Array(content[offset...])
            let answer = try await server.client.append(rest, at: offset, to: String(location))
            #expect(answer.status == 201, "seed \(SeededGenerator.seed), case \(number): \(answer)")
        }
        #expect(
            try firstDifference([UInt8](server.directory.read("a")), content) == nil,
            "seed \(SeededGenerator.seed), case \(number)")
        #expect(try Self.isAtRest(server.directory))
    }

    @Test(
        "killed at any call while it publishes, the server stores the files once, and the client gets its answer",
        .enabled(if: SystemCallTrace.obstacle == nil, "SKIPPED: there is no strace"),
        arguments: [
            ("renameat2", nil, 3, false), ("renameat", nil, 3, false), ("unlinkat", nil, 3, false),
            ("fsync", nil, 3, false), ("renameat2", nil, 1, false), ("renameat", nil, 1, false),
            ("renameat2", nil, 3, true), ("renameat2", nil, 1, true), ("renameat", nil, 1, true),
            // When the answer is stored, and the rest removed.
            ("renameat", "answer.new", 1, false), ("unlinkat", "publication", 1, false), ("unlinkat", "body", 1, false),
            ("unlinkat", "coded", 3, true),
        ])
    func publishing(call: String, path: String?, fileCount: Int, isCoded: Bool) async throws {
        let files: [(filename: String, content: [UInt8])] =
            Array([("a", [1]), ("b", [2, 3]), ("a", [4])].prefix(fileCount))
        let plain = RunningServer.document(files)
        let body = isCoded ? try Samples.encoded(plain, .gzip) : plain
        let fields =
            AwkwardForm.fields + ["Upload-Complete: ?0", "Want-Repr-Digest: sha-256=1"]
            + (isCoded ? ["Content-Encoding: gzip"] : ["Repr-Digest: sha-256=:\(SHA256.base64(plain)):"])
        var kills = 0
        for number in 1...12 {
            let server = try Server()
            try await server.restart()
            let location = try #require(
                try await server.client.ask("POST", "/", fields, body).location)
            let client = server.client
            let trace = try SystemCallTrace(injecting: ["\(call):signal=KILL:when=\(number)"], path: path)
            let tracer = try await trace.attach(to: try #require(server.process))
            defer { tracer.terminate(SIGKILL) }
            let answer = try? await client.append([], at: body.count, to: location)
            if let answer {
                #expect(answer.status == 201)
                break
            }
            kills += 1
            try await server.restart()
            let status = try await server.client.status(location)
            #expect(status.status == 204 && status.final.offset == body.count, "\(call) \(number): \(status)")
            let again = try await server.client.append([], at: body.count, to: location)
            #expect(again.status == 201, "\(call) \(number): \(again)")
            let names = files.count == 1 ? ["a"] : ["a", "b", "a (1)"]
            #expect(try Answer(again.body.utf8).parts?.map(\.savedAs) == names, "\(call) \(number)")
            #expect(try server.directory.contents().filter { !$0.hasPrefix(".") } == names.sorted())
            let contents = try names.map { [UInt8](try server.directory.read($0)) }
            #expect(contents == files.map(\.content), "\(call) \(number)")
            #expect(try Self.isAtRest(server.directory), "\(call) \(number)")
        }
        #expect(kills > 0)
        print("\(call) \(path ?? ""), \(files.count) files: killed \(kills) times")
    }
}

extension SHA256 {
    fileprivate static func base64(_ bytes: [UInt8]) -> String { Data(hash(data: bytes)).base64EncodedString() }
}
#endif
