import ContentCoding
import Foundation
import TestSupport
import Testing

/// `example -resume`, and processes that are killed.
@Suite("The example program, resumption", .timeLimit(.minutes(3)))
struct ExampleResumeTests {
    private func start(_ arguments: [String], _ host: String) throws -> Subprocess {
        try Subprocess(
            Subprocess.product("example"), arguments, environment: ["UPLOAD_HOST": host], deadline: .seconds(60))
    }

    @Test("killed at random moments, it continues from its journal", arguments: [false, true])
    func killed(gzip: Bool) async throws {
        let directory = try TemporaryDirectory()
        let number = gzip ? 11 : 10
        var generator = SeededGenerator(case: number)
        let content = generator.manyBytes(8_000_000)
        let path = try directory.write(content, to: "big.bin")
        let journal = directory.path + "/upload.journal"
        var options = ResumableServer.Options()
        // About a second and a half for the whole.
        options.pause = 3000
        let server = ResumableServer(options)
        let listener = try FaultServer(receiveBuffer: 64 << 10, server.serve)
        let isBegun = { FileManager.default.fileExists(atPath: journal) }
        var status: Int?
        var kills = 0
        while status == nil {
            let files = isBegun() ? [] : (gzip ? ["-gzip"] : []) + ["-filepath", path]
            let process = try start(["-resume", "-journal", journal] + files, listener.url)
            let received = server.receivedCount
            if kills < 6 {
                // Some of it first: otherwise a slow machine would never finish. A busy one may finish before it is killed.
                let least = received + Int.random(in: 1...800_000, using: &generator)
                let hasSent = try await eventually { server.receivedCount >= least || process.hasExited }
                #expect(hasSent, "kill \(kills): \(server.receivedCount) of \(least) bytes, \(server.methods)")
                process.terminate(SIGKILL)
                kills += 1
            }
            let result = await process.result()
            guard result.status != -Int(SIGKILL) else { continue }
            status = result.status
            #expect(result.output.contains("201"), "\(result.output) \(result.errorOutput)")
        }
        print("ExampleResumeTests: \(kills) times killed")
        #expect(status == 0)
        let upload = try #require(server.stored.last)
        #expect(upload.isComplete && !isBegun(), "seed \(SeededGenerator.seed)")
        let message = gzip ? try Coding.gzip.decode(upload.body) : upload.body
        let start = try #require(message.firstRange(of: Array("\r\n\r\n".utf8))).upperBound
        #expect(
            firstDifference(message[start...].prefix(content.count), content) == nil,
            "seed \(SeededGenerator.seed)")
        #expect(String(decoding: message[(start + content.count)...], as: UTF8.self).hasSuffix("--\r\n"))
        #expect(server.methods.count { $0 == "PATCH" } >= 1)
    }

    @Test("-resume and -journal are refused where they make no sense") func usage() async throws {
        for arguments in [["-resume"], ["-journal", "j"], ["-resume", "-journal", "j", "-verify"]] {
            let result = try await start(arguments, "http://127.0.0.1:1").result()
            #expect(result.status == 2 && result.errorOutput.contains("usage: "))
        }
        let missing = try await start(["-resume", "-journal", "/nonexistent"], "http://127.0.0.1:1").result()
        #expect(missing.status == 1 && missing.errorOutput.contains("journal"))
    }
}
