import Foundation
import TestSupport
import Testing

/// What the example prints, and the status with which it exits.
@Suite("The example program", .timeLimit(.minutes(3)))
struct ExampleTests {
    /// The folder of the files that the example sends.
    private let source: TemporaryDirectory

    init() throws { source = try TemporaryDirectory() }

    private func example(_ arguments: [String], host: String, input: Data = Data()) async throws -> Subprocess.Result {
        try await Subprocess.run(
            Subprocess.product("example"), arguments, input: input, environment: ["UPLOAD_HOST": host],
            deadline: .seconds(30))
    }

    /// Runs the example; expects one line of error, no rate, and that exit status.
    private func expectError(
        _ arguments: [String], host: String = "http://127.0.0.1:1", status: Int = 1, containing text: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let result = try await example(arguments, host: host)
        #expect(result.status == status, sourceLocation: sourceLocation)
        #expect(!result.output.contains("MB/s"), sourceLocation: sourceLocation)
        #expect(result.errorOutput.hasPrefix("example: "), sourceLocation: sourceLocation)
        #expect(result.errorOutput.contains(text), "\(result.errorOutput)", sourceLocation: sourceLocation)
        #expect(result.errorOutput.filter { $0 == "\n" }.count == 1, sourceLocation: sourceLocation)
    }

    @Test("sends a file and prints its size, the speed and the server's answer") func oneFile() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let path = try source.write("hello".utf8, to: "a.txt")
        let result = try await example(["-filepath", path], host: server.url)
        #expect(result.status == 0 && result.errorOutput == "", "\(result.errorOutput)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.first == "\(path), 5 bytes")
        #expect(lines.dropFirst().first?.contains("MB/s") == true)
        #expect(
            lines.last
                == #"201 {"bytes":5,"parts":[{"content_type":"text/plain","filename":"a.txt","name":"file","saved_as":"a.txt","size":5}]}"#
        )
        #expect(try server.directory.read("a.txt") == Data("hello".utf8))
    }

    @Test("sends several files in one request") func severalFiles() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let paths = try (0..<3).map { try source.write("\($0)".utf8, to: "same \($0)") }
        let result = try await example(paths.flatMap { ["-filepath", $0] }, host: server.url)
        #expect(result.status == 0)
        #expect(result.output.contains(#""saved_as":"same 2","size":1}]}"#))
        // The server may log the request after the example has read its answer.
        #expect(try await eventually { server.process.errorOutputSoFar.split(separator: "\n").count == 1 })
    }

    @Test("reads standard input for -, alone or among files") func standardInput() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let path = try source.write("hello".utf8, to: "a.txt")
        let input = Data(bottles(3_000_000))
        for (arguments, name) in [
            (["-filepath", "-"], "stdin"), (["-filepath", path, "-filepath", "-"], "stdin (1)"),
        ] {
            let result = try await example(arguments, host: server.url, input: input)
            #expect(result.status == 0, "\(result.errorOutput)")
            #expect(result.output.contains(#""filename":"stdin""#) && result.output.contains(#""size":3000000"#))
            #expect(try server.directory.contents().contains(name))
        }
        #expect(try server.directory.read("stdin") == input)
    }

    @Test("sends a pipe, a file without a size and a file that grows") func unusualFiles() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let result = try await Subprocess.run(
            "bash", ["-c", #""$0" -filepath <(seq 100000) -filepath /proc/version"#, Subprocess.product("example")],
            environment: ["UPLOAD_HOST": server.url], deadline: .seconds(60))
        #expect(result.status == 0, "\(result.errorOutput)")
        let numbers = (1...100_000).map { "\($0)\n" }.joined()
        let piped = try #require(try server.directory.contents().first { $0 != "version" })
        #expect(try server.directory.read(piped) == Data(numbers.utf8))
        #expect(try server.directory.read("version") == Data(contentsOf: URL(filePath: "/proc/version")))

        let log = try source.write(Data(count: 64 << 20), to: "log")
        let isOver = Shared(false)
        defer { isOver.set(true) }
        let file = try FileHandle(forUpdating: URL(filePath: log))
        try file.seekToEnd()
        // A thread of its own writes on however many tests run at the same time.
        Thread.detachNewThread {
            while !isOver.value, (try? file.write(contentsOf: Data("line\n".utf8))) != nil { usleep(1000) }
        }
        for (changes, status) in [("unchanged", 1), ("prefix", 0), ("as-read", 0)] {
            let result = try await example(["-changes", changes, "-filepath", log], host: server.url)
            #expect(result.status == status, "\(changes): \(result.errorOutput)")
            #expect(result.errorOutput.contains("\(log): the file was changed") == (status == 1))
        }
        try await expectError(["-changes", "all"], status: 2, containing: "-changes")
    }

    @Test("prints its usage to standard output for -h", arguments: ["-h", "--help"])
    func help(option: String) async throws {
        let result = try await example(["-gzip", option], host: "http://127.0.0.1:1")
        #expect(result.status == 0 && result.errorOutput == "")
        #expect(result.output.hasPrefix("usage: example [-gzip]") && result.output.contains("UPLOAD_HOST"))
    }

    @Test("wrong arguments and unreadable files are errors that say so") func sources() async throws {
        let file = try source.write("x".utf8, to: "file")
        try await expectError(
            [], status: 2, containing: "no file given; usage: example [-gzip] [-changes HOW]")
        try await expectError(["-filepath"], status: 2, containing: "-filepath needs a value; usage")
        try await expectError(["file"], status: 2, containing: "unknown argument 'file'; usage")
        try await expectError(["-echo", "-filepath", file], status: 2, containing: "-echo takes no file; usage")
        try await expectError(["-filepath", source.path("missing")], containing: "missing: No such file or directory")
        try await expectError(["-filepath", source.path], containing: "Is a directory")
        try await expectError(["-filepath", file], host: "localhost:3000", containing: "malformed URL")
        try await expectError(["-filepath", file], host: "http://a b", containing: "malformed URL")
        try await expectError(["-filepath", file], host: "ftp://host", containing: "its scheme is not one of http")
        try await expectError(["-filepath", file], containing: "Connection refused")
        let unknown = "no-such-host.invalid"
        try await expectError(["-filepath", file], host: "http://\(unknown)", containing: unknown)
    }

    @Test("hides a proxy's password") func proxyPassword() async throws {
        let file = try source.write("x".utf8, to: "file")
        for proxy in ["foo://user:secret@localhost:99", "http://user:secret@local host:99"] {
            let result = try await Subprocess.run(
                Subprocess.product("example"), ["-filepath", file],
                environment: ["UPLOAD_HOST": "http://example.invalid", "http_proxy": proxy], deadline: .seconds(30)
            )
            #expect(result.status == 1)
            #expect(!(result.errorOutput + result.output).contains("secret"))
        }
    }

    @Test("a missing second file: nothing of the first is saved") func secondMissing() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let file = try source.write("x".utf8, to: "file")
        try await expectError(
            ["-filepath", file, "-filepath", source.path("missing")], host: server.url, containing: "No such file"
        )
        #expect(try await eventually { server.process.errorOutputSoFar.contains("parts=1 reason=") })
        #expect(try server.directory.contents() == [])
    }

    @Test("an unreadable file is an error that names it") func unreadable() async throws {
        let file = try source.write("x".utf8, to: "secret")
        chmod(file, 0)
        guard getuid() == 0 else {
            return try await expectError(["-filepath", file], containing: "secret: Permission denied")
        }
        // Root may read everything: run the example as nobody.
        guard Subprocess.find("setpriv") != nil else { try Test.cancel("skipped: root without setpriv") }
        chmod(source.path, 0o755)
        let binary = source.path("example")
        try FileManager.default.copyItem(atPath: Subprocess.product("example"), toPath: binary)
        chmod(binary, 0o755)
        let result = try await Subprocess.run(
            "setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", binary, "-filepath", file],
            environment: ["UPLOAD_HOST": "http://127.0.0.1:1"], deadline: .seconds(30)
        )
        #expect(result.status == 1)
        #expect(result.errorOutput == "example: \(file): Permission denied\n")
    }

    @Test("a server that closes in mid-body is an error; a 413 in mid-body is printed") func faults() async throws {
        let path = try source.write(Data(count: 64 << 20), to: "big")
        let closing = try FaultServer { connection in
            try connection.readBeginning(1_000_000)
        }
        try await expectError(["-filepath", path], host: closing.url, containing: "the connection was lost")

        for paths in [[path], [path, path]] {
            let refusing = try FaultServer { connection in
                try connection.readBeginning(1_000_000)
                try connection.respond(413, "at most 1 MB here", fields: "Connection: close\r\n")
                while try !connection.receiveSome().isEmpty {}
            }
            let result = try await example(paths.flatMap { ["-filepath", $0] }, host: refusing.url)
            #expect(result.status == 1)
            #expect(result.output.hasSuffix("413 at most 1 MB here\n"), "\(result.output)")
            #expect(!result.output.contains("MB/s"), "\(result.output)")
            #expect(result.errorOutput == "")
        }
    }

    @Test("a file that shrinks while it is sent is an error that names it; nothing is saved")
    func shrinks() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let path = source.path("shrinking")
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        // So large that it is still being sent when it is truncated.
        #expect(truncate(path, 64 << 30) == 0)
        let process = try Subprocess(
            Subprocess.product("example"), ["-filepath", path], environment: ["UPLOAD_HOST": server.url],
            deadline: .seconds(60)
        )
        #expect(try await eventually { try openTemporaries(of: server) > 0 })
        #expect(truncate(path, 1000) == 0)
        let result = await process.result()
        #expect(result.status == 1)
        #expect(result.errorOutput.contains("\(path): the file ended after"), "\(result.errorOutput)")
        #expect(try server.directory.contents() == [])
        #expect(try await eventually { try openTemporaries(of: server) == 0 })
    }

    /// The files that the server has open in its directory, named or not.
    private func openTemporaries(of server: ServerProcess) throws -> Int {
        try openDescriptors(of: server.process.processIdentifier) { $0.hasPrefix(server.directory.path + "/") }
    }
}
