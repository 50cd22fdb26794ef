import Foundation

/// A server of one file with ranges (RFC 9110 §14), which a test may have do everything wrong. For a ``FaultServer``.
public final class RangeServer: Sendable {
    public struct File: Sendable {
        public var content: [UInt8]
        /// The value of ETag; nil for none.
        public var tag: String? = "\"one\""
        /// The value of Last-Modified; nil for none.
        public var modified: String?
        /// Further header fields, each with CRLF.
        public var fields = ""

        public init(_ content: [UInt8]) { self.content = content }
    }

    /// What is wrong with an answer.
    public enum Fault: Sendable {
        case none
        /// The connection is closed after so many bytes of content.
        case cut(after: Int)
        /// Nothing more is sent after so many bytes of content, until the client closes.
        case stall(after: Int)
        /// The whole file, whatever the request says.
        case noRange
        /// A part, although the file is another one by If-Range.
        case noCondition
        /// A head and a content as they are; the connection is closed then.
        case raw(String, [UInt8])
    }

    public let file: Shared<File>
    /// The heads of all requests.
    public let heads = Shared<[RequestHead]>([])
    /// Without a length, in chunks.
    private let isChunked: Bool
    /// The pause before each 32 KiB, in microseconds.
    private let pause: UInt32
    private let fault: @Sendable (RequestHead, Int) -> Fault

    /// - Parameter fault: by the head and the number of a request, from 1.
    public init(
        _ file: File, isChunked: Bool = false, pause: UInt32 = 0,
        fault: @escaping @Sendable (RequestHead, Int) -> Fault = { _, _ in .none }
    ) {
        self.file = Shared(file)
        self.isChunked = isChunked
        self.pause = pause
        self.fault = fault
    }

    /// The values of Range in all requests; nil where there was none.
    public var ranges: [String?] { heads.value.map { $0["range"] } }

    @Sendable public func serve(_ connection: RawConnection) throws {
        while let head = try connection.readHead() {
            heads.update { $0.append(head) }
            guard try answer(head, fault(head, heads.value.count), connection) else { return }
        }
    }

    /// - Returns: whether the connection can be used on.
    private func answer(_ head: RequestHead, _ fault: Fault, _ connection: RawConnection) throws -> Bool {
        if case .raw(let head, let content) = fault {
            try connection.send(Array(head.utf8) + content)
            return false
        }
        let file = file.value
        var start = 0
        if let range = head["range"], let first = Int(range.dropFirst("bytes=".count).dropLast()) {
            let isSame = head["if-range"].map { $0 == file.tag || $0 == file.modified } ?? true
            switch fault {
            case .noRange: break
            case .noCondition: start = first
            default: start = isSame ? first : 0
            }
        }
        guard start < max(1, file.content.count) else {
            try connection.respond(416, fields: "Content-Range: bytes */\(file.content.count)\r\n")
            return true
        }
        var fields = file.fields + (file.tag.map { "ETag: \($0)\r\n" } ?? "")
        fields += file.modified.map { "Last-Modified: \($0)\r\nDate: Sun, 01 Nov 2026 00:00:00 GMT\r\n" } ?? ""
        if start > 0 {
            fields += "Content-Range: bytes \(start)-\(file.content.count - 1)/\(file.content.count)\r\n"
        }
        let content = file.content[start...]
        fields += isChunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: \(content.count)\r\n"
        try connection.send("HTTP/1.1 \(start > 0 ? "206 Partial Content" : "200 OK")\r\n\(fields)\r\n")
        switch fault {
        case .cut(let count):
            // Without a reset, which would discard bytes that the client has not read yet.
            try send(content.prefix(count), connection)
            return false
        case .stall(let count):
            try send(content.prefix(count), connection)
            _ = connection.isClosedByPeer()
            return false
        case .none, .noRange, .noCondition, .raw:
            try send(content, connection)
            if isChunked { try connection.send("0\r\n\r\n") }
            return true
        }
    }

    private func send(_ content: ArraySlice<UInt8>, _ connection: RawConnection) throws {
        var rest = content
        while !rest.isEmpty {
            let piece = Array(rest.prefix(32 << 10))
            rest = rest.dropFirst(piece.count)
            if pause > 0 { usleep(pause) }
            if isChunked { try connection.sendChunk(piece) } else { try connection.send(piece) }
        }
    }
}
