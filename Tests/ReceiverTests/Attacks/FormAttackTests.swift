#if os(Linux)
import Foundation
import TestSupport
import Testing

@testable import Receiver

/// Requests that have stopped other servers, sent to this one.
@Suite("Forms that have stopped other servers", .timeLimit(.minutes(4)), .serialized)
struct FormAttackTests {
    struct Attack: CustomTestStringConvertible {
        let testDescription: String
        var type = "multipart/form-data; boundary=B"
        let statuses: Set<Int>
        let body: @Sendable () -> [UInt8]

        init(_ name: String, type: String? = nil, _ statuses: Set<Int>, body: @escaping @Sendable () -> [UInt8]) {
            testDescription = name
            if let type { self.type = type }
            self.statuses = statuses
            self.body = body
        }
    }

    private static func part(_ head: String, _ content: [UInt8]) -> [UInt8] {
        Array("--B\r\nContent-Disposition: form-data; \(head)\r\n\r\n".utf8) + content + Array("\r\n".utf8)
    }

    private static func text(_ text: String, times count: Int) -> [UInt8] {
        Array(String(repeating: text, count: count).utf8)
    }

    private static let end = Array("--B--\r\n".utf8)
    private static let field = part("name=f", [])
    private static let backslashes = String(repeating: "\\", count: 60_000)

    static let attacks = [
        Attack("CVE-2022-24434: a space before a header line", [400]) {
            Array("--B\r\n Content-Disposition: form-data; name=\"f\"\r\n\r\n\r\n--B--".utf8)
        },
        Attack("CVE-2025-47944: a part that ends in its header", [400]) {
            Array("--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\r\n\r\n\r\n--B--".utf8)
        },
        Attack("CVE-2025-48997: a file in a field with an empty name", [201]) {
            part("name=\"\"; filename=\"f\"", [1]) + end
        },
        Attack("CVE-2026-8162: a filename* that is not percent-encoded", [201]) {
            part("name=f; filename*=utf-8''%%%zz%f", [1]) + end
        },
        Attack(
            "CVE-2024-24762: backslashes in a parameter", type: "multipart/form-data; boundary=B; x=\"\(backslashes)",
            [400, 415]
        ) { field + end },
        Attack(
            "CVE-2026-28356: backslashes in a boundary", type: "multipart/form-data; boundary=\"\(backslashes)",
            [400, 415]
        ) {
            field + end
        },
        Attack(
            "CVE-2014-0050: a boundary of 5,000 bytes",
            type: "multipart/form-data; boundary=" + String(repeating: "b", count: 5000), [400]
        ) { text("b", times: 1 << 20) },
        Attack("CVE-2026-26961: two boundaries", type: "multipart/form-data; boundary=A; boundary=B", [400]) {
            field + end
        },
        Attack("CVE-2024-53981: line ends before the first delimiter", [400]) {
            text("\r\n", times: 2 << 20) + field + end
        },
        Attack("CVE-2025-61770: a long preamble", [400]) { text("p", times: 4 << 20) + field + end },
        Attack("CVE-2026-40347: a long epilogue", [400]) { field + end + text("\r\n", times: 2 << 20) },
        Attack("CVE-2023-46136: a file of one line that begins with CR", [201]) {
            part("name=f; filename=f", [13] + text("a", times: 32 << 20)) + end
        },
        Attack("CVE-2024-49767, CVE-2025-61771, CVE-2022-41725: a field of 32 MiB", [201]) {
            part("name=f", text("x\n", times: 16 << 20)) + end
        },
        Attack("CVE-2023-45290: a field of one line", [201]) { part("name=f", text("x", times: 32 << 20)) + end },
        Attack("CVE-2023-25577, CVE-2023-27530, CVE-2023-24998: 100,000 parts", [413]) {
            Array(repeatElement(field, count: 100_000).joined()) + end
        },
        Attack("CVE-2023-24536: 10,000 files with long names", [413]) {
            let name = String(repeating: "n", count: 2000)
            return Array(repeatElement(part("name=\(name); filename=\(name)", []), count: 10_000).joined()) + end
        },
        Attack("CVE-2025-48976, CVE-2025-61772: a part header of 16 MiB", [413]) {
            Array("--B\r\nX: ".utf8) + text("x", times: 16 << 20) + end
        },
        Attack("CVE-2026-42561: 1,000,000 header lines of a part", [413]) {
            Array("--B\r\n".utf8) + text("X: y\r\n", times: 1_000_000) + end
        },
        Attack("CVE-2022-30122: 200 parts with 16,000 semicolons each", [201]) {
            Array(repeatElement(part("name=f" + String(repeating: ";", count: 16_000), []), count: 200).joined()) + end
        },
        Attack("CVE-2026-34827: 200 parts with 8,000 escapes each", [201]) {
            let escapes = String(repeating: "\\\"", count: 8_000)
            return Array(repeatElement(part("name=f; x=\"\(escapes)\"", []), count: 200).joined()) + end
        },
    ]

    @Test("each is answered soon, in little memory, and the server goes on", arguments: attacks)
    func forms(attack: Attack) async throws {
        let server = try await ServerProcess.start(["--log-level", "error"])
        defer { server.process.terminate() }
        let harmless = Self.part("name=f; filename=first", [1]) + Self.end
        #expect(try await server.response(to: RunningServer.head(length: harmless.count), harmless).status == 201)
        let (memory, body) = (try server.peakMemory, attack.body())
        let duration = try await ContinuousClock().measure {
            let head =
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: \(attack.type)\r\nContent-Length: \(body.count)\r\n\r\n"
            let answer = try await server.connected { connection in
                // After a refusal the server reads a part of the rest only.
                try connection.send(head)
                try? connection.send(body)
                return try connection.receiveResponse()
            }
            #expect(attack.statuses.contains(answer.status), "\(answer.status): \(answer.body.prefix(300))")
        }
        let growth = try server.peakMemory - memory
        print("\(attack.testDescription): \(duration), \(growth / 1024) MiB")
        #expect(duration < .seconds(60))
        #expect(growth < 32 * 1024)
        #expect(try await server.response(to: RunningServer.head(length: harmless.count), harmless).status == 201)
    }

    @Test("CVE-2026-26962: a folded filename adds no line") func foldedName() async throws {
        try await RunningServer.with { server in
            let body = Self.part("name=f;\r\n filename=\"a\r\n b%0D%0AX: y.txt\"", [1]) + Self.end
            let response = try await server.post(body)
            #expect(response.status == 201)
            let names = try server.directory.contents()
            #expect(names == ["a bX: y.txt"])
            // In JSON a line end is escaped.
            #expect(response.body.split(separator: "\n").count == 1)
        }
    }

    @Test("CVE-2026-53537: an extended filename cannot hide a path") func extendedName() async throws {
        try await RunningServer.with { server in
            let body =
                Self.part("name=f; filename=\"safe.txt\"; filename*=utf-8''..%2F..%2Fevil%00.php", [1]) + Self.end
            let response = try await server.post(body)
            #expect(response.status == 201)
            #expect(try server.directory.contents() == ["evil.php"])
        }
    }
}
#endif
