#if os(Linux)
import Foundation
import TestSupport
import Testing

@Suite(
    "A killed server", .timeLimit(.minutes(4)),
    .enabled(if: SystemCallTrace.obstacle == nil, "SKIPPED: there is no strace"))
struct KilledServerTests {
    @Test(
        "killed at any call, the server has stored all files of the request after its next start, or none",
        arguments: ["openat", "mkdirat", "linkat", "write", "fdatasync", "fsync", "renameat2", "unlinkat"].map {
            ($0, "full")
        } + ["linkat", "renameat2", "unlinkat"].map { ($0, "relaxed") })
    func restart(call: String, durability: String) async throws {
        let files: [(filename: String, content: [UInt8])] = [("a", [1]), ("b", [2, 3]), ("a", [4])]
        let body = RunningServer.document(files)
        var (kills, completed) = (0, 0)
        // Until the request has ended before it gets to that call.
        for number in 1...40 {
            let directory = try TemporaryDirectory()
            let options = ["--dir", directory.path, "--durability", durability, "--log-level", "error"]
            let server = try await ServerProcess.start(options)
            defer { server.process.terminate(SIGKILL) }
            let trace = try SystemCallTrace(injecting: ["\(call):signal=KILL:when=\(number)"])
            let tracer = try await trace.attach(to: server.process)
            defer { tracer.terminate(SIGKILL) }
            let status = try? await server.response(to: RunningServer.head(length: body.count), body).status
            server.process.terminate(SIGKILL)
            _ = await server.process.result()
            let next = try await ServerProcess.start(options)
            next.process.terminate()
            _ = await next.process.result()
            let contents = try directory.contents()
            if contents.isEmpty {
                #expect(status == nil, "\(call) \(number): the response said that the files are stored")
            } else {
                completed += 1
                #expect(contents == ["a", "a (1)", "b"], "\(call) \(number)")
                let bytes = try ["a", "b", "a (1)"].map { [UInt8](try directory.read($0)) }
                #expect(bytes == files.map(\.content), "\(call) \(number)")
            }
            guard status == nil else { break }
            kills += 1
        }
        print(
            "\(call), \(durability): killed \(kills) times, of which \(completed - 1) were completed at the next start")
        #expect(kills > 0)
    }
}
#endif
