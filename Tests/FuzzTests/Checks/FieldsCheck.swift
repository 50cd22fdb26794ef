import HTTPTypes
import NIOHTTP1
import Platform

@testable import Receiver

/// Every head of a request is judged, and the values of its fields are within their bounds. The first line of the input is
/// the method and the target, the others are fields.
enum FieldsCheck {
    static func run(_ input: UnsafeRawBufferPointer) throws(Violation) {
        _ = RequestLine(input)
        let lines = input.split(separator: ASCII.lf).map { String(decoding: $0, as: UTF8.self) }
        let words = lines.first?.split(separator: " ", maxSplits: 1) ?? []
        let method = words.first.flatMap { HTTPRequest.Method(String($0)) } ?? .get
        let target = words.count > 1 ? String(words[1]) : "/"
        try checkTarget(target, method)
        var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: target)
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            let value = parts.count == 2 ? parts[1].trimmingOptionalSpace() : line[...]
            try checkValue(String(value))
            if parts.count == 2, let name = HTTPField.Name(String(parts[0])) {
                head.headerFields.append(HTTPField(name: name, value: String(value)))
            }
        }
        try checkRoute(head)
    }

    private static func checkTarget(_ target: String, _ method: HTTPRequest.Method) throws(Violation) {
        switch RequestTarget(target, method: HTTPMethod(rawValue: method.rawValue)) {
        case .absolute(let authority, let path):
            try require(!authority.isEmpty, "no authority in \(target)")
            try require(path == "*" || path.utf8.first == UInt8(ascii: "/"), "a path of \(path) in \(target)")
        case .plain, .invalid:
            break
        }
    }

    private static func checkRoute(_ head: HTTPRequest) throws(Violation) {
        var rules = Route.Rules()
        rules.isLoopback = true
        (rules.keepsUnfinished, rules.tusPath) = (true, "/tus/")
        rules.maximumBodySize = 1000
        guard let route = try? Route(judging: head, rules) else { return }
        switch route {
        case .download(let request):
            try require(FileName.isComponent(request.name), "a file named \(request.name.debugDescription)")
        case .upload(let request), .create(let request, _):
            if case .file(let name, _) = request.content { try require(!name.isEmpty, "a file without a name") }
        case .list, .page, .echo, .text, .count, .health, .metrics, .options, .unfinished:
            break
        }
    }

    private static func checkValue(_ value: String) throws(Violation) {
        try checkRange(value)
        try checkTags(value)
        try checkDate(value)
        for isWorthCoding in [false, true] { _ = AcceptEncoding(value).preferred(isWorthCoding: isWorthCoding) }
        _ = AcceptedType(value)
        _ = DigestField.wanted(value)
        _ = try? ExpectedDigests([.reprDigest: value])
        _ = Receiver.Access().isOwnName(value)
        _ = StructuredField.integer(value)
        _ = try? Tus.metadata(value)
        _ = try? UploadChecksum(value)
    }

    private static func checkRange(_ value: String) throws(Violation) {
        guard let range = RequestedRange(value) else { return }
        for size in [0, 1, 1000, .max] {
            guard case .part(let part) = range.resolved(in: size) else { continue }
            try require(!part.isEmpty && part.lowerBound >= 0 && part.upperBound <= size, "\(part) of \(size) bytes")
        }
    }

    private static func checkTags(_ value: String) throws(Violation) {
        guard case .tags(let tags) = EntityTagCondition(value) else { return }
        let written = tags.map(\.description).joined(separator: ", ")
        try require(EntityTagCondition(written) == .tags(tags), "the tags \(written)")
    }

    private static func checkDate(_ value: String) throws(Violation) {
        let now = Timestamp(seconds: 1_700_000_000)
        _ = IfRange(value, now: now)
        guard let date = Timestamp(httpDate: value, now: now) else { return }
        // A year of two digits would be read as one of this century.
        guard date >= Timestamp(seconds: -30_000_000_000) else { return }
        try require(Timestamp(httpDate: date.httpDate, now: now) == date, "\(value) is written as \(date.httpDate)")
    }
}
