import ArgumentParser
import Foundation
import HTTPStreaming
import TestSupport
import Testing

@testable import upload

/// What the command line means, before anything is sent.
@Suite("The upload tool, plan")
struct UploadPlanTests {
    private func files(_ names: [String]) -> [SourceFile] {
        names.map { SourceFile(path: Path("dir/" + $0), name: Path($0), size: 1) }
    }

    @Test("the URL is the last argument, or that of the environment")
    func splitting() throws {
        let none = { (_: String) in false }
        let (files, target) = try Target.split(["a", "-", "localhost:3000/x"], defaultURL: nil, isFile: none)
        #expect(files == ["a", "-"] && target.url == "http://localhost:3000/x")
        #expect(try Target.split(["a", "https://h"], defaultURL: "http://d", isFile: none).target.url == "https://h")
        let byDefault = try Target.split(["a", "b"], defaultURL: "d.example", isFile: none)
        #expect(byDefault.files == ["a", "b"] && byDefault.target.url == "http://d.example")
        for arguments in [[], ["a"], ["a", "-"], ["a", "ftp://h"]] {
            #expect(throws: (any Error).self) { try Target.split(arguments, defaultURL: nil, isFile: none) }
        }
        #expect(throws: (any Error).self) { try Target.split(["a", "b"], defaultURL: nil, isFile: { _ in true }) }
    }

    @Test(
        "a URL that ends in / takes the name, encoded and before the query",
        arguments: [
            ("http://h", "a b", "http://h/a%20b"), ("http://h/", "x/ä?", "http://h/x/%C3%A4%3F"),
            ("http://h/d/?sig=a/b", "n", "http://h/d/n?sig=a/b"), ("http://h/d?sig=a/", "n", "http://h/d?sig=a/"),
            ("http://h?q", "n~-._", "http://h/n~-._?q"),
        ])
    func names(url: String, name: String, expected: String) throws {
        #expect(try Target(url).url(of: Path(name)) == expected)
    }

    @Test("bytes of a name that are not UTF-8 are kept") func binaryName() throws {
        #expect(try Target("http://h/").url(of: Path(bytes: [0x61, 0xFF, 0x0A])) == "http://h/a%FF%0A")
    }

    @Test("one request for each file, or one for all") func requests() throws {
        let target = try Target("http://h/")
        let single = try Job.plan(files(["a", "b"]), to: target, try ContentOptions.parse([]))
        #expect(single.map(\.label) == ["dir/a", "dir/b"] && single.map(\.url) == ["http://h/", "http://h/"])
        let together = try Job.plan(files(["a", "b"]), to: target, try ContentOptions.parse(["--together"]))
        #expect(together.count == 1 && together[0].size == 2 && together[0].files.count == 2)
        let put = try Job.plan(files(["a", "b"]), to: target, try ContentOptions.parse(["--put"]))
        #expect(put.map(\.url) == ["http://h/a", "http://h/b"])
    }

    @Test("what cannot be sent is refused before anything is") func impossible() throws {
        let (put, stdin) = (try ContentOptions.parse(["--put"]), SourceFile(path: "-", name: "stdin", size: nil))
        #expect(throws: (any Error).self) { try Job.plan(files(["a", "b"]), to: Target("http://h/x"), put) }
        #expect(throws: (any Error).self) { try Job.plan([stdin], to: Target("http://h/"), put) }
        #expect(throws: (any Error).self) {
            try Job.plan([stdin, stdin], to: Target("http://h/"), ContentOptions.parse([]))
        }
        let same = [SourceFile(path: "a/x", name: "x", size: 1), SourceFile(path: "b/x", name: "x", size: 1)]
        #expect(throws: (any Error).self) { try Job.plan(same, to: Target("http://h/"), put) }
        #expect(try Job.plan(same, to: Target("http://h/"), ContentOptions.parse([])).count == 2)
        for arguments in [["--put", "-F", "a=b"], ["--put", "--together"], ["--put", "--name", "x"], ["-F", "=b"]] {
            #expect(throws: (any Error).self) { try ContentOptions.parse(arguments) }
        }
    }

    @Test("a folder stands for all files below it, with its own name before theirs") func folder() async throws {
        let directory = try TemporaryDirectory()
        let below = URL(filePath: directory.path("photos/2024"))
        try FileManager.default.createDirectory(at: below, withIntermediateDirectories: true)
        try directory.write("a".utf8, to: "photos/a")
        try directory.write("bb".utf8, to: "photos/2024/b")
        for suffix in ["", "/"] {
            let found = try await SourceFile.find([Path(directory.path("photos") + suffix)])
            #expect(found.map(\.name) == ["photos/2024/b", "photos/a"] && found.map(\.size) == [2, 1])
            #expect(found.map(\.path.description) == [directory.path("photos/2024/b"), directory.path("photos/a")])
        }
        let dot = try await SourceFile.find([Path(directory.path("photos/."))])
        #expect(dot.map(\.name) == ["2024/b", "a"])
    }

    @Test("options with a value") func values() throws {
        #expect(try ByteCount("1.5M").bytes == 1_572_864 && ByteCount("10").bytes == 10)
        #expect(try TimeLimit("1.5m").duration == .seconds(90) && TimeLimit("2").duration == .seconds(2))
        #expect(try HeaderLine("X-A:  b:c ").value == "b:c" && HeaderLine("X-A:").value == "")
        #expect(try CompressionSetting("gzip:9").coding == .gzip(level: 9))
        for text in ["", "K", "-1", "0", "1X", "nan"] {
            #expect(throws: (any Error).self) { try ByteCount(text) }
            #expect(throws: (any Error).self) { try TimeLimit(text) }
        }
        for text in ["", "zip", "gzip:", "gzip:10", "auto:1"] {
            #expect(throws: (any Error).self) { try CompressionSetting(text) }
        }
    }

    @Test(
        "-z and --compress take a coding as the next argument, if that is one",
        arguments: [
            (["-z", "a", "--", "-z", "gzip"], ["-z", "a", "--", "-z", "gzip"]),
            (["--compress", "gzip", "a"], ["--compress=gzip", "a"]), (["-z", "deflate:1"], ["--compress=deflate:1"]),
            (["--compress", "./gzip", "a"], ["-z", "./gzip", "a"]), (["a", "--compress"], ["a", "-z"]),
            (["-zq", "gzip"], ["-zq", "gzip"]), (["--compress=auto"], ["--compress=auto"]),
        ])
    func normalized(arguments: [String], expected: [String]) throws {
        #expect(CommandLineArguments.normalized(arguments) == expected)
        #expect(try ContentOptions.parse(["-z"]).coding == .automatic && ContentOptions.parse([]).coding == nil)
    }

    @Test(
        "sizes and times for people",
        arguments: [
            (Format.bytes(999), "999 B"), (Format.bytes(1000), "1.0 kB"), (Format.bytes(999_499), "999 kB"),
            (Format.bytes(999_500), "1.0 MB"), (Format.bytes(.max), "9.2 EB"), (Format.time(.seconds(7)), "0:07"),
            (Format.time(.seconds(3723)), "1:02:03"), (Format.time(.seconds(183_600)), "2d 03h"),
            (Format.seconds(.milliseconds(50)), "50 ms"), (Format.seconds(.microseconds(50)), "1 ms"),
            (Format.seconds(.microseconds(999_600)), "1.0 s"), (Format.seconds(.seconds(90)), "1:30"),
            (Format.volume(3_000_000, in: .seconds(2)), "3.0 MB in 2.0 s, 1.5 MB/s"),
            (Format.volume(300, in: .milliseconds(4)), "300 B in 4 ms"),
            (Format.volume(0, in: .seconds(2)), "0 B in 2.0 s"),
            (Format.count(1, "file"), "1 file"), (Format.count(0, "file"), "0 files"),
            (Format.escaped("a\u{1B}\nb\u{202E}"), #"a\u{1B}\u{A}b\u{202E}"#),
        ])
    func format(text: String, expected: String) { #expect(text == expected) }

    @Test("failures for one reason have its status, others have 1") func exitStatus() {
        #expect(ExitStatus(of: [], wasInterrupted: false) == .accepted)
        #expect(ExitStatus(of: [.refused], wasInterrupted: false) == .refused)
        #expect(ExitStatus(of: [.refused, .source], wasInterrupted: false) == .failed)
        #expect(ExitStatus(of: [.refused], wasInterrupted: true) == .interrupted)
        #expect(ExitStatus(status: 307) == .refused && ExitStatus(status: 599) == .server)
        #expect(ExitStatus(.timedOut) == .timeLimit && ExitStatus(.alreadyReading) == .failed)
    }

    @Test(
        "arguments that are not UTF-8 become text and bytes again",
        arguments: [[0x61, 0xFF, 0xC3], [0xED, 0xA0, 0x80], Array("ä\u{10F7FF}".utf8), [], [0xF0, 0x9F]] as [[UInt8]])
    func binaryArguments(bytes: [UInt8]) {
        #expect(CommandLineArguments.path(CommandLineArguments.text(Path(bytes: bytes))) == Path(bytes: bytes))
    }

    @Test("a digest in hex becomes that of a field") func digest() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        #expect(Verification.fieldValue(empty) == "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")
        #expect(Verification.fieldValue("00") == nil && Verification.fieldValue("") == nil)
    }
}
