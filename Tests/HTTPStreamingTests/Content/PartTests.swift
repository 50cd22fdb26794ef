import Multipart
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Part", .timeLimit(.minutes(1)))
struct PartTests {
    @Test("A part has header fields of its own, and no second Content-Type or Content-Disposition")
    func partFields() async throws {
        let (recorder, _, client) = try recording()
        var part = Part("a", .text("x"), contentType: "text/x", headerFields: ["X-Part": "ü"])
        part.headerFields.append("X-Part", "2")
        _ = try await client.send(part)
        let head = try #require(try recorder.lastParts().first).head
        #expect(head.otherFields == [HeaderField(name: "X-Part", value: "ü"), HeaderField(name: "X-Part", value: "2")])
        for name in ["content-type", "Content-Disposition", "a b"] {
            part.headerFields = [name: "x"]
            await expectError(.invalidPart) { try await client.send(part) }
        }
    }
}
