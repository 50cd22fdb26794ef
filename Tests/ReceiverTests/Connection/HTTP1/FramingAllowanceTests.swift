import TestSupport
import Testing

@testable import Receiver

@Suite("HTTP/1 bytes that are neither head nor content", .timeLimit(.minutes(2))) struct FramingAllowanceTests {
    private static let upload = "PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    struct Row: CustomTestStringConvertible {
        let name: String
        var start = FramingAllowanceTests.upload
        let repeated: String
        var status = 400

        var testDescription: String { name }
    }

    static let rows = [
        Row(name: "an extension of a chunk", start: upload + "1;a=", repeated: "a"),
        Row(name: "an extension of each chunk", repeated: "1;\(String(repeating: "a", count: 1000))\r\nx\r\n"),
        Row(name: "zeros before the size of a chunk", repeated: "0"),
        Row(name: "spaces in a trailer field", start: upload + "0\r\nx:", repeated: " "),
        Row(name: "trailer fields", start: upload + "0\r\n", repeated: "x:\r\n"),
        Row(name: "empty lines before a request", start: "", repeated: "\r\n", status: 431),
        Row(name: "spaces in a field", start: "GET / HTTP/1.1\r\nx:", repeated: " ", status: 431),
        Row(
            name: "fields", start: "GET / HTTP/1.1\r\n", repeated: "x: \(String(repeating: "a", count: 997))\r\n",
            status: 431),
    ]

    @Test("They are refused if they do not end", arguments: rows) func endless(row: Row) async throws {
        try await RunningServer.with { server in
            let (response, isStored) = try await server.connected { connection in
                try connection.send(row.start)
                let piece = Array(String(repeating: row.repeated, count: 64 * 1024 / row.repeated.utf8.count).utf8)
                for _ in 0..<128 where !connection.isReadable(within: 0) { try connection.send(piece) }
                let response = try connection.receiveResponse()
                return (response, try !server.directory.contents().isEmpty)
            }
            #expect(response.status == row.status)
            #expect(response.head.contains("Connection: close\r\n"))
            #expect(!isStored)
        }
    }

    @Test("Chunks of one byte, and extensions and trailer fields of usual length, are accepted") func usual()
        async throws
    {
        try await RunningServer.with { server in
            let byByte = try await server.response(
                to: Self.upload, Array(repeatElement(chunk([7]), count: 100_000).joined()) + chunk([]))
            #expect(byByte.status == 201)
            #expect(try server.directory.read("x").count == 100_000)
            // As in a signed upload to S3.
            let signed = Array("2000;chunk-signature=\(String(repeating: "a", count: 64))\r\n".utf8)
            let content = [UInt8](repeating: 7, count: 0x2000) + Array("\r\n".utf8)
            let fields = "x-checksum: \(String(repeating: "a", count: 1000))\r\n"
            let extended = try await server.response(
                to: Self.upload, (0..<64).flatMap { _ in signed + content } + Array("0\r\n\(fields)\r\n".utf8))
            #expect(extended.status == 200)
            #expect(try server.directory.read("x").count == 64 * 0x2000)
        }
    }

    @Test("They are counted for each request, in reads without its begin and end") func counting() {
        var allowance = FramingAllowance()
        for _ in 0..<10 {
            for _ in 0..<5 { #expect(allowance.readCompleted(16 * 1024) == true) }
            allowance.renew()
            #expect(allowance.readCompleted(1024 * 1024) == true)
        }
        // Content allows more, but not any number.
        for _ in 0..<1000 {
            allowance.contentArrived(1024 * 1024)
            #expect(allowance.readCompleted(1024 * 1024) == true)
        }
        #expect(allowance.readCompleted(1024 * 1024) == true)
        #expect(allowance.readCompleted(1) == false)
    }
}
