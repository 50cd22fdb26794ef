import Foundation
import HTTPStreaming
import TestSupport
import Testing

/// `example -download`, and processes that are killed.
@Suite("The example program, downloads", .timeLimit(.minutes(3)))
struct ExampleDownloadTests {
    private func start(_ arguments: [String]) throws -> Subprocess {
        try Subprocess(Subprocess.product("example"), arguments, deadline: .seconds(60))
    }

    @Test("killed at random moments, it continues; a file that changes begins again", arguments: [false, true])
    func killed(isChanging: Bool) async throws {
        let directory = try TemporaryDirectory()
        var generator = SeededGenerator(case: isChanging ? 91 : 90)
        let files = (0..<8).map { number in
            var file = RangeServer.File(generator.manyBytes(8_000_000 - number * 10))
            file.tag = "\"\(number)\""
            return file
        }
        // About a second for the whole.
        let server = RangeServer(files[0], pause: 4000)
        let listener = try FaultServer(server.serve)
        let size = {
            (try? FileManager.default.attributesOfItem(atPath: directory.path("file.part"))[.size]) as? Int ?? 0
        }
        var status: Int?
        var (kills, current) = (0, 0)
        while status == nil {
            let before = size()
            let requests = server.heads.value.count
            let process = try start(["-resume", "-download", listener.url, "-output", directory.path("file")])
            if kills < 6 {
                let count = Int.random(in: 1...1_000_000, using: &generator)
                // Some of it first: otherwise a slow machine would never finish. A busy one may finish before it is killed.
                _ = try await eventually {
                    process.hasExited || server.heads.value.count > requests && size() != before && size() >= count
                }
                process.terminate(SIGKILL)
                kills += 1
            }
            let result = await process.result()
            // At every moment the bytes are of one version of the file.
            if let part = try? directory.read("file.part") {
                #expect(files.contains { $0.content.starts(with: part) }, "kill \(kills), seed \(SeededGenerator.seed)")
            }
            guard result.status != -Int(SIGKILL) else {
                // It may be complete already, with its record not removed yet.
                if let file = try? directory.read("file") {
                    #expect(firstDifference(file, files[current].content) == nil)
                }
                if isChanging, generator.oneIn(2) {
                    current += 1
                    server.file.set(files[current])
                }
                continue
            }
            status = result.status
            #expect(result.status == 0, "\(result.output) \(result.errorOutput)")
        }
        #expect(try Array(directory.read("file")) == files[current].content, "seed \(SeededGenerator.seed)")
        #expect(try directory.contents() == ["file"])
        if !isChanging { #expect(server.ranges.contains { $0 != nil }) }
    }

    #if os(Linux)
    @Test(
        "killed before any of its system calls on files, it never leaves a mixture",
        .enabled("needs strace") { SystemCallTrace.obstacle == nil })
    func killedAtEachCall() async throws {
        var generator = SeededGenerator(case: 92)
        let (old, new) = (generator.bytes(300_000), generator.bytes(310_000))
        var kills = 0
        for call in ["openat", "flock", "ftruncate", "linkat", "renameat", "unlink", "unlinkat", "fdatasync", "fsync"] {
            // Until no such call is left. The first ones of openat(2) are the dynamic linker's.
            for number in call == "openat" ? 1...60 : 1...8 {
                let directory = try TemporaryDirectory()
                let server = RangeServer(.init(old)) { _, number in number == 1 ? .cut(after: 200_000) : .none }
                let listener = try FaultServer(server.serve)
                // A part of the old file is left; by now the server has a new one.
                let client = try Client { $0.retry = .never }
                await #expect(throws: (any Error).self) {
                    try await client.download(listener.url, to: directory.path("file"), resuming: true)
                }
                server.file.update { file in
                    file.content = new
                    file.tag = "\"two\""
                }
                let trace = try SystemCallTrace(injecting: ["\(call):signal=KILL:when=\(number)"])
                let arguments = ["-resume", "-download", listener.url, "-output", directory.path("file")]
                let process = try Subprocess(
                    "sh", ["-c", trace.command, "sh", Subprocess.product("example")] + arguments)
                let status = await process.result().status
                let comment: Comment = "\(call) \(number), seed \(SeededGenerator.seed)"
                if let part = try? directory.read("file.part") {
                    #expect(old.starts(with: part) || new.starts(with: part), comment)
                }
                if let file = try? directory.read("file") { #expect(firstDifference(file, new) == nil, comment) }
                try await client.download(listener.url, to: directory.path("file"), resuming: true)
                #expect(try Array(directory.read("file")) == new, comment)
                let left = try directory.contents()
                // A file that was to replace another one, and had got its hidden name, stays.
                #expect(left.filter { !$0.hasPrefix(".saving-") } == ["file"], comment)
                guard status == -Int(SIGKILL) else { break }
                kills += 1
            }
        }
        #expect(kills >= 10)
    }
    #endif

    @Test("progress is shown on a terminal only", arguments: [true, false])
    func progress(isOnTerminal: Bool) async throws {
        let directory = try TemporaryDirectory()
        let listener = try FaultServer(RangeServer(.init([UInt8](repeating: 1, count: 8_000_000))).serve)
        let result = try await Subprocess.run(
            Subprocess.product("example"), ["-download", listener.url, "-output", directory.path("file")],
            isOnTerminal: isOnTerminal, deadline: .seconds(60))
        #expect(result.status == 0 && result.output.contains("8000000 bytes received"))
        #expect((result.output + result.errorOutput).contains("8 MB, 100 %") == isOnTerminal)
    }

    @Test("-download needs -output and takes no file; a status is an error") func usage() async throws {
        let listener = try FaultServer { connection in
            while try connection.readHead() != nil { try connection.respond(404, "gone") }
        }
        for arguments in [
            ["-download", listener.url], ["-output", "f"], ["-download", "u", "-output", "f", "-filepath", "f"],
        ] {
            let result = try await start(arguments).result()
            #expect(result.status == 2 && result.errorOutput.contains("usage: "))
        }
        let result = try await start(["-download", listener.url, "-output", "/tmp/never"]).result()
        #expect(result.status == 1 && result.errorOutput.contains("404"))
        #expect(!FileManager.default.fileExists(atPath: "/tmp/never"))
    }
}
