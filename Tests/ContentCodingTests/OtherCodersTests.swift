import ContentCoding
import Foundation
import TestSupport
import Testing

@Suite("Coders of other programs", .timeLimit(.minutes(3)))
struct OtherCodersTests {
    private static let contents = [
        [], [1], Sample.text.bytes(200_000), Sample.zeros.bytes(3_000_000), Sample.random.bytes(70_000),
    ]

    private func run(_ command: String, _ arguments: [String], _ input: [UInt8]) async throws -> [UInt8] {
        guard Subprocess.find(command) != nil else {
            print("OtherCodersTests: SKIPPED: there is no \(command)")
            try Test.cancel("skipped: there is no \(command)")
        }
        let result = try await Subprocess.run(command, arguments, input: Data(input))
        try #require(result.status == 0, "\(command) \(arguments): \(result.errorOutput)")
        return Array(result.standardOutput)
    }

    private func python(_ expression: String, _ input: [UInt8]) async throws -> [UInt8] {
        let script = """
            import gzip, io, sys, zlib
            data = sys.stdin.buffer.read()
            def compress(**options):
                c = zlib.compressobj(**options)
                return c.compress(data) + c.flush()
            def decompress(wbits):
                d = zlib.decompressobj(wbits)
                content = d.decompress(data) + d.flush()
                assert d.eof and not d.unused_data
                return content
            sys.stdout.buffer.write(\(expression))
            """
        return try await run("python3", ["-c", script], input)
    }

    @Test(
        "gzip and pigz are decoded",
        arguments: [("gzip", ["-c", "-1"]), ("gzip", ["-c", "-9"]), ("pigz", ["-c", "-p", "4"])])
    func tools(command: String, arguments: [String]) async throws {
        for content in Self.contents {
            #expect(try decode(try await run(command, arguments, content), .gzip, room: 1000) == content)
        }
    }

    @Test(
        "output of Python's gzip and zlib is decoded",
        arguments: [
            ("gzip.compress(data)", Coding.gzip), ("gzip.compress(data[:9]) + gzip.compress(data[9:], 1)", .gzip),
            ("compress(wbits=31, memLevel=1)", .gzip), ("compress(wbits=31, strategy=zlib.Z_HUFFMAN_ONLY)", .gzip),
            ("zlib.compress(data)", .deflate), ("zlib.compress(data, 0)", .deflate), ("compress(wbits=9)", .deflate),
            ("compress(wbits=-15)", .deflate), ("compress(wbits=-9, level=1)", .deflate),
            ("compress(wbits=-15, level=0)", .deflate), ("compress(wbits=-15, strategy=zlib.Z_FIXED)", .deflate),
        ]
    )
    func python(expression: String, coding: Coding) async throws {
        for content in Self.contents {
            #expect(try decode(try await python(expression, content), coding, room: 1000) == content)
        }
    }

    @Test("gzip -t and gzip -d accept what is encoded here") func readByGzip() async throws {
        for content in Self.contents {
            let data = try encode(content, .gzip)
            _ = try await run("gzip", ["-t"], data)
            #expect(try await run("gzip", ["-dc"], data) == content)
        }
    }

    @Test("Python decodes what is encoded here, also with flushes in between", arguments: Coding.allCases)
    func readByPython(coding: Coding) async throws {
        for content in Self.contents {
            var encoder = try ContentEncoder(coding)
            let half = content.count / 2
            let data =
                encoder.encode(content[..<half], .flush)
                + encoder.encode(content[half...], .flush, room: 10)
                + encoder.encode([], .finish)
            #expect(try await python("decompress(\(coding == .gzip ? 31 : 15))", data) == content)
            if coding == .gzip { #expect(try await python("gzip.decompress(data)", data) == content) }
        }
    }
}
