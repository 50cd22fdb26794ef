import Foundation
import TestSupport

/// A client of uploads that can be interrupted, which sends exactly what a test says.
struct ResumingClient: Sendable {
    struct Head: Sendable {
        let status: Int
        /// By their names in lower case.
        let fields: [String: String]

        var offset: Int? { fields["upload-offset"].flatMap { Int($0) } }
    }

    struct Answer: Sendable {
        let interim: [Head]
        let final: Head
        let body: String

        var status: Int { final.status }
        var fields: [String: String] { final.fields }
        var location: String? { interim.first?.fields["location"] }
    }

    let port: Int
    /// Nil for tus.
    var version: Int? = 8
    var fields: [String] = []

    /// What every request of the protocol has.
    private var common: [String] {
        (version.map { ["Upload-Draft-Interop-Version: \($0)"] } ?? ["Tus-Resumable: 1.0.0"]) + fields
    }

    /// Sends a request and receives its responses.
    ///
    /// - Parameter length: of the body, if it is not the one that is sent; the connection is closed after what is sent.
    func ask(
        _ method: String, _ path: String, _ fields: [String] = [], _ body: [UInt8] = [], chunked: Bool = false
    ) async throws -> Answer {
        let framing = chunked ? "Transfer-Encoding: chunked" : "Content-Length: \(body.count)"
        let lines = ["\(method) \(path) HTTP/1.1", "Host: x", framing] + common + fields
        let sent = chunked ? (body.isEmpty ? [] : chunk(body)) + chunk([]) : body
        return try await connected { connection in
            try connection.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
            if !sent.isEmpty { try connection.send(sent) }
            return try Self.answer(connection, isHead: method == "HEAD")
        }
    }

    /// Sends the beginning of a body and closes the connection when the server has had time to read it, or resets it.
    ///
    /// - Returns: where the upload is, if the request begins one.
    func cut(
        _ method: String, _ path: String, _ fields: [String], _ body: [UInt8], of length: Int, resets: Bool = false
    ) async throws -> String? {
        let lines = ["\(method) \(path) HTTP/1.1", "Host: x", "Content-Length: \(length)"] + common + fields
        return try await connected { connection in
            try connection.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
            let location = method == "PATCH" ? nil : try Self.head(connection).fields["location"]
            try connection.send(body)
            if resets { connection.reset() } else { connection.close() }
            return location
        }
    }

    func status(_ location: String) async throws -> Answer { try await ask("HEAD", location) }

    /// Sends the rest of a body, as the draft says.
    func append(
        _ bytes: [UInt8], at offset: Int, to location: String, isLast: Bool = true, _ fields: [String] = []
    ) async throws -> Answer {
        try await ask("PATCH", location, Self.patch(offset, isLast) + fields, bytes)
    }

    static func patch(_ offset: Int, _ isLast: Bool = true) -> [String] {
        [
            "Content-Type: application/partial-upload", "Upload-Offset: \(offset)",
            "Upload-Complete: \(isLast ? "?1" : "?0")",
        ]
    }

    private static func answer(_ connection: RawConnection, isHead: Bool) throws -> Answer {
        var interim: [Head] = []
        while true {
            let head = try head(connection)
            guard head.status >= 200 else {
                interim.append(head)
                continue
            }
            let length = isHead ? 0 : head.fields["content-length"].flatMap { Int($0) } ?? 0
            return Answer(
                interim: interim, final: head,
                body: String(decoding: try connection.receive(count: length), as: UTF8.self))
        }
    }

    static func head(_ connection: RawConnection) throws -> Head {
        let lines = String(decoding: try connection.receive(through: "\r\n\r\n"), as: UTF8.self)
            .components(separatedBy: "\r\n").filter { !$0.isEmpty }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.components(separatedBy: ": ")
            fields[parts[0].lowercased()] = parts.dropFirst().joined(separator: ": ")
        }
        return Head(status: Int(lines[0].dropFirst("HTTP/1.1 ".count).prefix(3)) ?? 0, fields: fields)
    }

    private func connected<Result: Sendable>(
        _ body: @escaping @Sendable (RawConnection) throws -> Result
    ) async throws -> Result {
        let port = port
        return try await RawConnection.onThread { try body(RawConnection(port: port)) }
    }
}

extension RunningServer {
    var resuming: ResumingClient { ResumingClient(port: port) }

    /// The hidden names in the directory.
    func hidden() throws -> [String] { try directory.contents().filter { $0.hasPrefix(".") } }

    /// The visible names in the directory.
    func visible() throws -> [String] { try directory.contents().filter { !$0.hasPrefix(".") } }
}

/// A form with files and fields whose contents almost contain delimiters.
struct AwkwardForm {
    let files: [(filename: String, content: [UInt8])]
    let body: [UInt8]

    static let fields = ["Content-Type: multipart/form-data; boundary=B"]

    /// - Parameter lineBreak: of the framing: CRLF, or LF as scripts write it.
    init(case number: Int, name: String = "file", maximum: Int = 300_000, lineBreak: String = "\r\n") {
        var generator = SeededGenerator(case: number)
        let almost = Array("\r\n--Bx\r\n--\r\n--B-\r\n--B\rx\r\n-\r\r\n".utf8)
        var files: [(filename: String, content: [UInt8])] = []
        var body: [UInt8] = []
        for index in 0..<Int.random(in: 1...5, using: &generator) {
            let size = [0, 1, 50, 70_000, maximum].randomElement(using: &generator) ?? 0
            var content = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if Bool.random(using: &generator) {
                content += (0..<Int.random(in: 1...200, using: &generator)).flatMap { _ in almost }
            }
            let filename = "\(name)-\(index)"
            files.append((filename, content))
            body +=
                "--B\(lineBreak)Content-Disposition: form-data; name=\"f\"; filename=\"\(filename)\"\(lineBreak)\(lineBreak)"
                .utf8
            body += content + "\(lineBreak)".utf8
            let value = [UInt8](repeating: 0x76, count: Int.random(in: 0...3000, using: &generator))
            body +=
                "--B\(lineBreak)Content-Disposition: form-data; name=\"v\"\(lineBreak)\(lineBreak)".utf8 + value
                + "\(lineBreak)".utf8
        }
        (self.files, self.body) = (files, body + "--B--\(lineBreak)".utf8)
    }
}
