import ContentCoding
import Foundation
import TestSupport
import Testing

/// Output of the parallel encoder, read by common tools and libraries.
@Suite("Coded streams, read by other programs", .timeLimit(.minutes(5)))
struct CodedStreamTests {
    /// Contents that the encoder treats differently, and sizes around its blocks' edges.
    static let contents: [(name: String, bytes: [UInt8])] = {
        let text = Array((0..<60_000).map { "line \($0) of \($0 * 7919 % 10_007)\n" }.joined().utf8)
        let noise = SeededGenerator.bytes(600_000, case: 0)
        return [
            ("empty", []), ("byte", [7]), ("text", text), ("noise", noise), ("mixed", text + noise + text),
            ("zeros", [UInt8](repeating: 0, count: 5_000_000)),
        ] + [262_143, 262_144, 262_145, 524_288].map { ("text-\($0)", Array(text[..<$0])) }
    }()

    /// Writes all contents, plain and coded; returns the pairs of paths.
    private func files(
        _ coding: Coding, level: Int, in directory: TemporaryDirectory
    ) async throws -> [(content: String, coded: String)] {
        var files: [(String, String)] = []
        for (name, bytes) in Self.contents {
            let coded = try await encodeInParallel(
                bytes, DeflateBlockCoder(coding, level: level), workers: 2, executor: .tasks)
            files.append(
                (try directory.write(bytes, to: name), try directory.write(coded, to: "\(name).\(coding).gz")))
        }
        return files
    }

    @Test("gzip -t accepts the stream, and gzip -d returns the content", arguments: [0, 1, 6, 9])
    func gzipTool(level: Int) async throws {
        let directory = try TemporaryDirectory()
        for file in try await files(.gzip, level: level, in: directory) {
            let test = try await Subprocess.run("gzip", ["-t", file.coded])
            #expect(test.status == 0 && test.errorOutput.isEmpty, "\(test.errorOutput)")
            let content = try await Subprocess.run("gzip", ["-dc", file.coded])
            #expect(content.standardOutput == FileManager.default.contents(atPath: file.content), "\(file.coded)")
        }
    }

    @Test("Python's gzip and zlib.decompressobj return the content", .enabled(if: Subprocess.find("python3") != nil))
    func python() async throws {
        let directory = try TemporaryDirectory()
        for coding in Coding.allCases {
            let files = try await files(coding, level: 6, in: directory)
            let script = """
                import gzip, sys, zlib
                for content, coded in zip(sys.argv[2::2], sys.argv[3::2]):
                    content, coded = open(content, 'rb').read(), open(coded, 'rb').read()
                    decoder = zlib.decompressobj(31 if sys.argv[1] == 'gzip' else 15)
                    pieces = [decoder.decompress(coded[i:i + 1000]) for i in range(0, len(coded), 1000)]
                    assert b''.join(pieces) == content and decoder.eof and not decoder.unused_data
                    if sys.argv[1] == 'gzip':
                        assert gzip.decompress(coded) == content
                """
            let result = try await Subprocess.run(
                "python3", ["-c", script, coding.token] + files.flatMap { [$0.content, $0.coded] })
            #expect(result.status == 0, "\(result.errorOutput)")
        }
    }

    @Test("Go's compress/gzip returns the content", .enabled(if: Subprocess.find("go") != nil)) func go() async throws {
        let directory = try TemporaryDirectory()
        let program = """
            package main

            import ("bytes"; "compress/gzip"; "io"; "os")

            func main() {
                for i := 1; i < len(os.Args); i += 2 {
                    content, _ := os.ReadFile(os.Args[i])
                    file, _ := os.Open(os.Args[i+1])
                    reader, err := gzip.NewReader(file)
                    if err != nil { panic(err) }
                    reader.Multistream(false)
                    decoded, err := io.ReadAll(reader)
                    if err != nil { panic(err) }
                    if !bytes.Equal(decoded, content) { panic(os.Args[i+1]) }
                    if rest, _ := io.ReadAll(file); len(rest) > 0 { panic("more than one member") }
                }
            }
            """
        let source = try directory.write(program.utf8, to: "main.go")
        let files = try await files(.gzip, level: 6, in: directory)
        let result = try await Subprocess.run(
            "go", ["run", source] + files.flatMap { [$0.content, $0.coded] },
            environment: ["GO111MODULE": "off", "GOCACHE": directory.path("cache")], deadline: .seconds(180)
        )
        #expect(result.status == 0, "\(result.errorOutput)")
    }

    @Test("libcurl's decoder returns the content", arguments: Coding.allCases) func curl(coding: Coding) async throws {
        for (name, bytes) in Self.contents {
            let coded = try await encodeInParallel(bytes, DeflateBlockCoder(coding), workers: 2, executor: .tasks)
            let server = try FaultServer { connection in
                _ = try connection.readHead()
                try connection.respond(content: coded, fields: "Content-Encoding: \(coding)\r\n")
            }
            let result = try await Subprocess.run("curl", ["-sS", "--fail", "--compressed", server.url])
            #expect(result.status == 0, "\(result.errorOutput)")
            #expect(result.standardOutput == Data(bytes), "\(name)")
        }
    }
}
