import ContentCoding
import Crypto
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Platform

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The web page that sends files, and HTML responses for browsers without scripts.
struct Page: Sendable {
    /// One JavaScript module: each file uses the ones before it.
    private static let script = [
        PackageResources.basics_js, PackageResources.remembered_js, PackageResources.sending_js,
        PackageResources.uploads_js, PackageResources.uploads_shown_js, PackageResources.picking_js,
        PackageResources.stored_js, PackageResources.begin_js,
    ]

    private let identity: ByteBuffer
    private let gzip: ByteBuffer?
    private let tag: EntityTag
    private let style: String
    private let policy: String

    /// - Parameter requiresToken: whether writing requires a token, for which the page then asks.
    init(requiresToken: Bool) {
        style = String(decoding: PackageResources.style_css, as: UTF8.self)
        let script = Self.script.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
        let page = Self.fill(
            PackageResources.index_html,
            ["style": style, "script": script, "authorization": requiresToken ? "required" : "none"])
        identity = ByteBuffer(string: page)
        gzip = (try? Coding.gzip.encode(Array(page.utf8), level: 9)).map { ByteBuffer(bytes: $0) }
        tag = EntityTag(SHA256.hash(data: Array(page.utf8)).hexadecimal, isWeak: true)
        // Only the page's own style and script, and connections to its own server: no other host, no inline handler, no
        // frame around it.
        policy = """
            default-src 'none'; style-src \(Self.source(style)); script-src \(Self.source(script)); \
            connect-src 'self'; form-action 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'
            """
    }

    func response(for head: HTTPRequest) -> Response {
        var fields = Self.fields(policy)
        fields[.vary] = "Accept-Encoding"
        fields[.eTag] = tag.description
        if let condition = head.headerFields[.ifNoneMatch].map(EntityTagCondition.init),
            condition.contains(where: tag.matchesWeakly)
        {
            return .withoutContent(.notModified, fields)
        }
        let accepted = AcceptEncoding(head.headerFields[.acceptEncoding])
        guard let gzip, accepted.preferred(isWorthCoding: true) == .coded(.gzip) else {
            return Response(status: .ok, headers: fields, body: .init(byteBuffer: identity))
        }
        fields[.contentEncoding] = Coding.gzip.token
        return Response(status: .ok, headers: fields, body: .init(byteBuffer: gzip))
    }

    func response(with report: UploadReport, to upload: UploadRequest, for head: HTTPRequest) -> Response {
        let (fields, text) = negotiated(
            head, report.fields(for: upload), title: "Stored", html: report.html, json: report.json)
        return .content(text, status: report.status, fields: fields)
    }

    /// The fields and the content of a page of the list of files.
    func content(of list: FileList, for head: HTTPRequest) -> (HTTPFields, ByteBuffer) {
        var fields: HTTPFields = [:]
        if let next = list.next { fields[.link] = "<\(next)>; rel=\"next\"" }
        let (all, text) = negotiated(head, fields, title: "Stored files", html: list.html, json: list.json)
        fields = all
        fields[.contentLength] = String(text.utf8.count)
        return (fields, ByteBuffer(string: text))
    }

    func response(to refusal: Refusal, for head: HTTPRequest) -> Response {
        if let problem = refusal.problem { return problem.response(refusal) }
        let (fields, text) = negotiated(
            head, refusal.fields, title: "\(refusal.code.status)", html: refusal.html, json: refusal.json)
        return .content(text, status: refusal.code.status, fields: fields)
    }

    /// HTML for browsers, JSON for others.
    private func negotiated(
        _ head: HTTPRequest, _ fields: HTTPFields, title: String, html: @autoclosure () -> String,
        json: @autoclosure () -> String
    ) -> (HTTPFields, String) {
        var fields = fields
        fields[.vary] = fields[.vary].map { $0 + ", Accept" } ?? "Accept"
        guard AcceptedType(head.headerFields[.accept]) == .html else {
            fields[.contentType] = "application/json"
            return (fields, json())
        }
        for field in Self.fields(policy) { fields[field.name] = field.value }
        let text = Self.fill(PackageResources.report_html, ["style": style, "title": title, "content": html()])
        return (fields, text)
    }

    private static func fields(_ policy: String) -> HTTPFields {
        [
            .contentType: "text/html; charset=utf-8", .contentSecurityPolicy: policy, .cacheControl: "no-cache",
        ]
    }

    /// A source expression that allows exactly this text (https://www.w3.org/TR/CSP3/#match-element-to-source-list).
    private static func source(_ text: String) -> String {
        "'sha256-\(Data(SHA256.hash(data: Array(text.utf8))).base64EncodedString())'"
    }

    /// Replaces each `{{name}}` by its value.
    private static func fill(_ template: [UInt8], _ values: [String: String]) -> String {
        var text = ""
        var rest = String(decoding: template, as: UTF8.self)[...]
        while let start = rest.firstRange(of: "{{"), let end = rest[start.upperBound...].firstRange(of: "}}") {
            text += rest[..<start.lowerBound]
            text += values[String(rest[start.upperBound..<end.lowerBound])] ?? ""
            rest = rest[end.upperBound...]
        }
        return text + rest
    }
}
