import Foundation

/// The server's end of HTTP, for the handlers of a ``FaultServer``.
extension RawConnection {
    /// The head of a request; nil if the peer has closed.
    public func readHead() throws -> RequestHead? {
        guard try !isEnded() else { return nil }
        return RequestHead(String(decoding: try receive(through: "\r\n\r\n"), as: UTF8.self))
    }

    /// The same; also sends `100 Continue` if the request has an `Expect`.
    public func readHeadAndContinue() throws -> RequestHead? {
        let head = try readHead()
        if head?["expect"] != nil { try send("HTTP/1.1 100 Continue\r\n\r\n") }
        return head
    }

    /// The head of a request and at least so many bytes of its body, of which a client may send none before a `100`.
    ///
    /// - Throws: ``FaultError`` if the peer has closed.
    @discardableResult
    public func readBeginning(_ count: Int = 1) throws -> RequestHead {
        guard let head = try readHeadAndContinue() else { throw FaultError("no request") }
        _ = try readBody(of: head, atLeast: count)
        return head
    }

    /// The next chunk of a chunked body; empty for the last one.
    public func readChunk() throws -> [UInt8] {
        let line = String(decoding: try receive(through: "\r\n").dropLast(2), as: UTF8.self)
        guard let size = Int(line.prefix { $0.isHexDigit }, radix: 16) else { throw FaultError("chunk size \(line)") }
        let bytes = try receive(count: size)
        trailer = []
        while case let line = String(decoding: try receive(through: "\r\n").dropLast(2), as: UTF8.self), !line.isEmpty {
            trailer.append(line)
        }
        return bytes
    }

    /// The whole body of a request, answering `Expect: 100-continue` first.
    public func readBody(of head: RequestHead) throws -> [UInt8] {
        if head["expect"] != nil { try send("HTTP/1.1 100 Continue\r\n\r\n") }
        if let length = head["content-length"].flatMap({ Int($0) }) { return try receive(count: length) }
        guard head["transfer-encoding"] == "chunked" else { return [] }
        var body: [UInt8] = []
        while case let chunk = try readChunk(), !chunk.isEmpty { body += chunk }
        return body
    }

    /// A whole request, answering `Expect: 100-continue`; nil if the peer has closed.
    public func readRequest() throws -> (head: RequestHead, body: [UInt8])? {
        guard let head = try readHead() else { return nil }
        return (head, try readBody(of: head))
    }

    /// A whole response with a length.
    public func respond(_ status: Int, _ body: String = "", fields: String = "") throws {
        try respond(status, content: Array(body.utf8), fields: fields)
    }

    public func respond(_ status: Int = 200, content: [UInt8], fields: String = "") throws {
        let head = "HTTP/1.1 \(status) Status\r\nContent-Length: \(content.count)\r\n\(fields)\r\n"
        try send(Array(head.utf8) + content)
    }

    public func sendChunk(_ bytes: [UInt8]) throws {
        try send(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8))
    }

    /// Waits for the peer to close, or to reset; false if it sends something or the deadline passes.
    public func isClosedByPeer() -> Bool {
        do {
            return try isEnded()
        } catch {
            return (error as? Failure)?.number == ECONNRESET
        }
    }
}

/// The request line and header fields of a request.
public struct RequestHead: Sendable {
    public let line: String
    public let fields: [(name: String, value: String)]

    init(_ text: String) {
        let lines = text.components(separatedBy: "\r\n").filter { !$0.isEmpty }
        line = lines.first ?? ""
        fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (parts[0].lowercased(), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
        }
    }

    public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}
