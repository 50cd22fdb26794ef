import Foundation
import TestSupport
import Testing

/// What the example writes to a terminal of bytes that it has not made itself.
@Suite("The example program on a terminal", .timeLimit(.minutes(3)))
struct ExampleTerminalTests {
    /// Bytes that control a terminal or deceive its reader, with the text that stands for them.
    private static let controls: [(bytes: [UInt8], escaped: String)] = [
        (Array("\u{1B}]0;owned\u{7}".utf8), #"\u{1B}]0;owned\u{7}"#), (Array("a\rb\u{8}".utf8), #"a\u{D}b\u{8}"#),
        ([0x7F], #"\u{7F}"#), (Array("\u{9B}31m".utf8), #"\u{9B}31m"#), ([0x9B, 0x41], #"\x9BA"#),
        ([0xC3], #"\xC3"#), ([0xE2, 0x82], #"\xE2\x82"#), ([0xF5, 0xC0, 0x80], #"\xF5\xC0\x80"#),
        (Array("\u{202E}gpj\u{202C}".utf8), #"\u{202E}gpj\u{202C}"#),
        (Array("\u{2066}\u{2069}".utf8), #"\u{2066}\u{2069}"#),
        (Array("Größe €😀\t\n".utf8), "Größe €😀\t\n"), (Array("\\end".utf8), #"\end"#),
    ]
    private static let text = controls.flatMap(\.bytes)
    private static let escaped = controls.map(\.escaped).joined()

    private let source: TemporaryDirectory

    init() throws { source = try TemporaryDirectory() }

    private func example(
        _ arguments: [String], host: String, input: Data = Data(), isOnTerminal: Bool
    ) async throws -> Subprocess.Result {
        try await Subprocess.run(
            Subprocess.product("example"), arguments, input: input, environment: ["UPLOAD_HOST": host],
            isOnTerminal: isOnTerminal, deadline: .seconds(30))
    }

    /// Answers each request with ``text``, in chunks of one byte.
    private func server() throws -> FaultServer {
        try FaultServer { connection in
            while try connection.readRequest() != nil {
                try connection.send("HTTP/1.1 200 \u{1B}[31mred\r\nTransfer-Encoding: chunked\r\n\r\n")
                for byte in Self.text { try connection.send(Array("1\r\n".utf8) + [byte] + Array("\r\n".utf8)) }
                try connection.send("0\r\n\r\n")
            }
        }
    }

    @Test("the server's answer is escaped on a terminal only", arguments: [["-filepath"], ["-echo"]])
    func answer(arguments: [String]) async throws {
        let server = try server()
        let file = try source.write("x".utf8, to: "file")
        let arguments = arguments == ["-echo"] ? arguments : arguments + [file]
        let onTerminal = try await example(arguments, host: server.url, isOnTerminal: true)
        #expect(onTerminal.status == 0)
        #expect(onTerminal.output.contains(Self.escaped), "\(onTerminal.output)")
        let inPipe = try await example(arguments, host: server.url, isOnTerminal: false)
        #expect(inPipe.status == 0)
        #expect(inPipe.standardOutput.firstRange(of: Self.text) != nil)
    }

    @Test("names and errors are escaped on a terminal only") func names() async throws {
        let server = try server()
        let name = "a\u{1B}[2Jb\u{202E}c"
        let file = try source.write("x".utf8, to: name)
        let missing = source.path("missing\u{1B}[31m")
        for (arguments, shown) in [
            (["-filepath", file], #"a\u{1B}[2Jb\u{202E}c, 1 bytes"#),
            (["-filepath", missing], #"missing\u{1B}[31m: No such"#),
            (["-\u{1B}c"], #"unknown argument '-\u{1B}c'"#),
        ] {
            let onTerminal = try await example(arguments, host: server.url, isOnTerminal: true)
            #expect(onTerminal.output.contains(shown), "\(onTerminal.output)")
            // The sequence that clears the line of the progress is the program's own.
            let rest = onTerminal.output.replacing("\r\u{1B}[K", with: "")
            #expect(!rest.unicodeScalars.contains("\u{1B}") && !rest.unicodeScalars.contains("\u{202E}"))
            let inPipe = try await example(arguments, host: server.url, isOnTerminal: false)
            let text = inPipe.output + inPipe.errorOutput
            #expect(text.unicodeScalars.contains("\u{1B}") && !text.contains(shown), "\(text)")
        }
    }
}
