import TestSupport
import Testing

@testable import Receiver

@Suite("Accept", .timeLimit(.minutes(3)))
struct AcceptedTypeTests {
    static let fields: [(String?, AcceptedType)] = [
        (nil, .json), ("", .json), ("*/*", .json), ("application/json", .json), ("text/html;q=0, */*", .json),
        // Java up to 18, jQuery, and others that name HTML first
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", .json), ("text/html, */*; q=0.01", .json),
        ("text/html, image/gif, image/jpeg, *; q=.2", .json), ("text/html, application/json;q=0.9", .json),
        ("application/json, text/plain, */*", .json), ("text/html, text/plain, application/json", .json),
        ("application/xhtml+xml, */*", .json),
        // Chrome, Firefox, Safari; Internet Explorer; Lynx; w3m
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", .html),
        ("text/html, application/xhtml+xml, image/jxr, */*;q=0.5", .html),
        ("text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01", .html),
        ("text/html, text/*;q=0.5, image/*, application/*;q=0", .html),
        // Nothing but HTML is accepted.
        ("text/html", .html), ("TEXT/HTML;Q=0.5", .html), ("text/*", .html),
    ]

    @Test("browsers prefer HTML, programs get JSON", arguments: fields)
    func preferences(field: String?, expected: AcceptedType) {
        #expect(AcceptedType(field) == expected)
    }

    @Test("reports, lists and errors have the preferred type") func responses() async throws {
        try await RunningServer.with { server in
            for (field, expected) in Self.fields {
                let fields = field.map { ["Accept: \($0)"] } ?? []
                let upload = try await server.post(RunningServer.document([("x", [1])]), fields: fields)
                let list = try await server.get("/files", fields)
                let error = try await server.get("/files/none", fields)
                let type = expected == .html ? "text/html; charset=utf-8" : "application/json"
                #expect(upload.head.lowercased().contains("content-type: \(type)\r\n"), "\(field ?? "")")
                #expect([list, error].map { $0.fields["content-type"] } == [type, type], "\(field ?? "")")
            }
        }
    }
}
