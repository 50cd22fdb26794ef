import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite("curl and httpie", .timeLimit(.minutes(5)))
struct CommandLineClientTests {
    /// Runs a line of shell at a terminal. Without one httpie reads its standard input, whatever its arguments are.
    private func atTerminal(_ line: String, in directory: TemporaryDirectory) async throws -> Subprocess.Result {
        let python = try await PythonEnvironment.shared.interpreter(with: ["httpie"])
        let script =
            "import os, pty, sys; os.chdir(sys.argv[1]); sys.exit(os.waitstatus_to_exitcode(pty.spawn(['sh', '-c', sys.argv[2]])))"
        return try await Subprocess.run(
            python, ["-c", script, directory.path, line],
            environment: [
                "PATH": (python as NSString).deletingLastPathComponent + ":"
                    + (ProcessInfo.processInfo.environment["PATH"] ?? "")
            ],
            deadline: .seconds(60)
        )
    }

    @Test(
        "httpie uploads a file",
        .enabled("no httpie: the reason is printed") { await PythonEnvironment.shared.isAvailable(with: ["httpie"]) },
        arguments: [
            ("http PUT :PORT/hello x-filename:README.md < FILE", "README.md"),
            ("http --chunked PUT :PORT/hello @FILE", "hello"),
            ("http -xx PUT :PORT/hello @FILE", "hello"),
            ("http -f POST :PORT file@FILE note=hello", "FILE"),
        ]
    )
    func httpieUploads(line: String, name: String) async throws {
        let source = try TemporaryDirectory()
        try source.write(Samples.book, to: "FILE")
        try await RunningServer.with { server in
            let line = line.replacingOccurrences(of: "PORT", with: "\(server.port)") + " > answer"
            let result = try await atTerminal(line, in: source)
            #expect(result.status == 0, "\(result.output)")
            let answer = try Answer(source.read("answer"))
            #expect(answer.parts?.first?.savedAs == name, "\(answer)")
            #expect(answer.parts?.first?.size == Samples.book.count)
            #expect(try Array(server.directory.read(name)) == Samples.book)
        }
    }

    @Test(
        "curl uploads a file",
        .enabled(if: Subprocess.find("curl") != nil && Subprocess.find("gzip") != nil, "there is no curl or no gzip"),
        arguments: [
            ("gzip -c FILE | curl -sS -T - -H 'Content-Encoding: gzip' URL/x", "x"),
            ("curl -sS -T FILE URL/", "FILE"),
            ("curl -sS -T - URL/piped < FILE", "piped"),
            ("curl -sS -X PUT --data-binary @FILE -H 'x-filename: named' URL", "named"),
            ("curl -sS -H Expect: -T FILE URL/y", "y"),
            ("gzip -c FILE | curl -sS -X PUT --data-binary @- -H 'Content-Encoding: x-gzip' URL/z", "z"),
        ]
    )
    func curlUploads(line: String, name: String) async throws {
        let source = try TemporaryDirectory()
        try source.write(Samples.book, to: "FILE")
        try await RunningServer.with { server in
            let line = "cd '\(source.path)' && " + line.replacingOccurrences(of: "URL", with: server.url)
            let result = try await Subprocess.run("sh", ["-c", line])
            #expect(result.status == 0, "\(result.errorOutput)")
            #expect(try Answer(result.standardOutput).parts?.first?.savedAs == name)
            #expect(try Array(server.directory.read(name)) == Samples.book)
        }
    }

    @Test(
        "curl downloads files, ranges and rests, under conditions",
        .enabled(if: Subprocess.find("curl") != nil && Subprocess.find("gzip") != nil, "there is no curl or no gzip"),
        arguments: [
            ("curl -sS --compressed URL | cmp - FILE", ""),
            ("curl -sS -H 'Accept-Encoding: gzip' URL | gzip -dc | cmp - FILE", ""),
            ("curl -sS -r 100-299 URL | cmp - part", ""),
            ("curl -sS -r -200 URL > end && tail -c 200 FILE | cmp - end", ""),
            ("head -c 1000 FILE > resumed && curl -sS -C - -o resumed URL && cmp resumed FILE", ""),
            ("curl -sS -z FILE -w '%{http_code}' URL", "304"),
            ("curl -sS -z '1 Jan 2000' -o /dev/null -w '%{http_code}' URL", "200"),
            ("curl -sS --etag-save tag -o /dev/null URL && curl -sS --etag-compare tag -w '%{http_code}' URL", "304"),
            ("curl -sSI --compressed -o /dev/null -w '%{http_code}' URL", "200"),
            ("curl -sS -r 999999- -o /dev/null -w '%{http_code}' URL", "416"),
            ("curl -sS -X OPTIONS -o /dev/null -w '%{http_code}' URL", "204"),
            ("curl -sS -r 0-9,20-29 URL | cmp - FILE", ""),
        ]
    )
    func curlDownloads(line: String, output: String) async throws {
        let source = try TemporaryDirectory()
        try await RunningServer.with { server in
            try server.directory.write(Samples.book, to: "book.txt")
            // Modified later than the server's file.
            try source.write(Samples.book, to: "FILE")
            try source.write(Samples.book[100..<300], to: "part")
            let line =
                "set -e; cd '\(source.path)'; "
                + line.replacingOccurrences(of: "URL", with: server.url + "/files/book.txt")
            let result = try await Subprocess.run("sh", ["-c", line])
            #expect(result.status == 0, "\(result.errorOutput)")
            #expect(result.output == output)
        }
    }

    @Test(
        "httpie downloads a file",
        .enabled("no httpie: the reason is printed") { await PythonEnvironment.shared.isAvailable(with: ["httpie"]) })
    func httpieDownloads() async throws {
        let target = try TemporaryDirectory()
        try await RunningServer.with { server in
            try server.directory.write(Samples.book, to: "book.txt")
            let result = try await atTerminal("http --download :\(server.port)/files/book.txt", in: target)
            #expect(result.status == 0, "\(result.output)")
            #expect(try Array(target.read("book.txt")) == Samples.book)
        }
    }
}
