#if os(Linux)
import Foundation
import TestSupport
import Testing

/// A thousand clients at the same time in another process, which prints their memory and threads.
@Suite("A thousand clients", .serialized, .timeLimit(.minutes(5)))
struct CrowdTests {
    private static let clients = 1000
    private static let size = 1 << 20
    /// `Client.Configuration.bufferBudget`, unless set.
    private static let budget = 64 << 20

    /// What `crowd` printed.
    private struct Report {
        /// By name of file.
        var answers: [String: (status: Int, content: String)] = [:]
        var values: [String: Double] = [:]

        init(_ output: String) {
            for line in output.split(separator: "\n") {
                let words = line.split(separator: " ", maxSplits: 2)
                if words.count == 3, let status = Int(words[1]) {
                    answers[String(words[0])] = (status, String(words[2]))
                } else if words.count == 2, let value = Double(words[1]) {
                    values[String(words[0])] = value
                }
            }
        }
    }

    /// For all connections: the program raises its own limit, and the server inherits it.
    private static let hasDescriptors = DescriptorLimit.raise(for: "CrowdTests", toAtLeast: 1100)

    /// Writes a different file for each client; returns the digests by file name.
    private func makeFiles(in directory: TemporaryDirectory) throws -> [String: String] {
        var digests: [String: String] = [:]
        var random = SeededGenerator(case: 0)
        print("CrowdTests: seed \(SeededGenerator.seed)")
        for number in 0..<Self.clients {
            var content = Data(count: Self.size)
            content.withUnsafeMutableBytes { bytes in
                for offset in stride(from: 0, to: bytes.count, by: 4096) {
                    bytes.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
                }
            }
            digests["\(number)"] = sha256(content)
            try directory.write(content, to: "\(number)")
        }
        return digests
    }

    @Test(
        "1,000 uploads of 1 MiB at once arrive, with no more agents than cores and within the buffer budget",
        .enabled(if: hasDescriptors), arguments: [true, false])
    func upload(isDiscarded: Bool) async throws {
        let files = try TemporaryDirectory()
        let digests = try await RawConnection.onThread { [self] in try makeFiles(in: files) }
        let server = try await ServerProcess.start(isDiscarded ? ["--discard"] : [])
        defer { server.process.terminate() }
        let run = try await Subprocess.run(
            Subprocess.product("crowd"), [server.url, files.path], deadline: .seconds(200))
        #expect(run.status == 0, "\(run.errorOutput)")
        let report = Report(run.output)
        #expect(report.answers.count == Self.clients)
        for (name, answer) in report.answers where answer.status != 201 {
            Issue.record("\(name): \(answer.status) \(answer.content)")
        }
        for (name, digest) in digests {
            let content = try #require(report.answers[name]).content
            let part = try #require(try JSONDecoder().decode(ServerReport.self, from: Data(content.utf8)).parts.first)
            #expect(part.size == Int64(Self.size) && part.sha256 == digest, "\(name)")
            if !isDiscarded {
                let saved = try #require(part.savedAs)
                #expect(try await sha256(path: server.directory.path(saved)) == digest, "\(name)")
            }
        }
        try measure(report, isDiscarded: isDiscarded)
    }

    private func measure(_ report: Report, isDiscarded: Bool) throws {
        let value = { (name: String) in Int(try #require(report.values[name])) }
        let (agents, buffers) = (try value("agents"), try value("buffers"))
        let growth = try (value("peak") - value("before")) << 10
        let cores = ProcessInfo.processInfo.activeProcessorCount
        print(
            """
            CrowdTests: \(Self.clients) clients, 1 MiB each, \(isDiscarded ? "discarded" : "stored"): \
            \(try #require(report.values["seconds"])) s, \(agents) agent threads of \(try value("threads")) on \
            \(cores) cores, buffers \(buffers >> 10) KiB of \(Self.budget >> 10), resident memory grew by \
            \(growth >> 10) KiB at most and is \(try value("after") - value("before")) KiB more at the end
            """)
        #expect((1...cores).contains(agents))
        #expect(buffers <= Self.budget)
        // The clients ran at the same time.
        #expect(buffers > Self.budget / 2)
        // Buffers, and for each client libcurl's handle, connection and receive buffer, a task, the file, and bytes that
        // another thread has read: 45 to 75 KiB were seen in a debug build, whose tasks are larger, and 8 to 32 KiB in a
        // release build.
        #expect(growth <= Self.budget + Self.clients * (96 << 10))
    }
}
#endif
