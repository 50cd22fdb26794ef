import ContentCoding
import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite("Limits of forms", .timeLimit(.minutes(4)))
struct FormLimitsTests {
    private static func form(_ heads: [String]) -> [UInt8] {
        Array((heads.map { "--B\r\n\($0)\r\n\r\nx\r\n" }.joined() + "--B--\r\n").utf8)
    }

    private static func files(_ count: Int) -> [UInt8] {
        form((0..<count).map { "Content-Disposition: form-data; name=\"f\"; filename=\"\($0).txt\"" })
    }

    private static let field = "Content-Disposition: form-data; name=f"

    @Test("a form of 2,000 files is stored") func manyFiles() async throws {
        let server = try await ServerProcess.start(deadline: .seconds(200))
        defer { server.process.terminate() }
        let body = Self.files(2_000)
        let response = try await server.response(to: RunningServer.head(length: body.count), body)
        #expect(response.status == 201, "\(response.body.prefix(200))")
        #expect(try server.directory.contents().count == 2_000)
    }

    @Test("the default limits are the documented ones") func defaults() {
        let limits = Receiver.Configuration().form
        #expect(limits.parts == 10_000 && limits.fields == 10_000 && limits.nameBytes == 4 << 20)
        #expect(limits.partHeaderBytes == 16 << 10 && limits.partHeaderLines == 64)
    }

    /// A form that a limit just allows, and one that exceeds it.
    struct Row: CustomTestStringConvertible {
        let option: String
        let value: String
        let allowed: [UInt8]
        let refused: [UInt8]

        var testDescription: String { option }
    }

    static let rows = [
        Row(option: "--max-parts", value: "3", allowed: files(3), refused: files(4)),
        Row(
            option: "--max-fields", value: "0", allowed: files(3),
            refused: form(["Content-Disposition: form-data; name=f; filename=x", field])),
        Row(
            // Of each file: a name of one byte and a filename of five.
            option: "--max-part-names", value: "14", allowed: files(2), refused: files(3)),
        Row(
            option: "--max-part-header", value: "\(field.utf8.count + 10)", allowed: form([field + "\r\nX: y"]),
            refused: form([field + "\r\nX: yz"])),
        Row(
            option: "--max-part-header-lines", value: "2", allowed: form([field + "\r\nX: y"]),
            refused: form([field + "\r\nX: y\r\nX: y"])),
    ]

    @Test("an option sets each limit, and a 413 names the option", arguments: rows)
    func options(row: Row) async throws {
        let server = try await ServerProcess.start([row.option, row.value])
        defer { server.process.terminate() }
        let allowed = try await server.response(to: RunningServer.head(length: row.allowed.count), row.allowed)
        #expect(allowed.status == 201, "\(allowed.body)")
        let stored = try server.directory.contents()
        let refused = try await server.response(to: RunningServer.head(length: row.refused.count), row.refused)
        #expect(refused.status == 413)
        #expect(try Answer(refused.body.utf8).error?.hasSuffix(": see \(row.option)") == true, "\(refused.body)")
        #expect(try server.directory.contents() == stored)
    }

    @Test("a raised limit allows more", arguments: [("--max-part-header", "64K"), ("--max-part-header-lines", "1000")])
    func raised(option: String, value: String) async throws {
        let server = try await ServerProcess.start([option, value])
        defer { server.process.terminate() }
        let lines =
            option == "--max-part-header"
            ? "\r\nX: " + String(repeating: "x", count: 60_000) : String(repeating: "\r\nX: y", count: 900)
        let body = Self.form([Self.field + lines])
        #expect(try await server.response(to: RunningServer.head(length: body.count), body).status == 201)
    }

    @Test("other limits name their options, too") func otherLimits() async throws {
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        let coded = try Samples.encoded(zeros, .gzip)
        for (option, fields, body) in [
            ("--max-size", [], zeros), ("--max-decoded-size", ["Content-Encoding: gzip"], coded),
        ] {
            try await RunningServer.with(configure: {
                $0.maximumBodySize = 1 << 19
                $0.decoding.size = 1 << 19
            }) { server in
                for chunked in [false, true] {
                    let response = try await server.request("PUT", "/x", fields: fields, body: body, chunked: chunked)
                    #expect(response.status == 413)
                    #expect(try Answer(response.body.utf8).error?.hasSuffix(": see \(option)") == true)
                }
            }
        }
    }

    @Test(
        "impossible limits stop the start",
        arguments: [("--max-parts", "0"), ("--max-part-header-lines", "0"), ("--max-fields=-1", nil)])
    func impossible(option: String, value: String?) async throws {
        let arguments = [option] + (value.map { [$0] } ?? [])
        let result = try await Subprocess.run(Subprocess.product("server"), arguments, deadline: .seconds(20))
        #expect(result.status == 64)
        #expect(result.errorOutput.contains("the number of"))
    }
}
