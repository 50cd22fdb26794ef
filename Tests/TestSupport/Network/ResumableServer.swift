import Foundation
import Synchronization

/// A server of draft-ietf-httpbis-resumable-upload on raw sockets, which fails as a test wants.
public final class ResumableServer: Sendable {
    /// What happens to one request.
    public enum Fault: Sendable {
        case none
        /// The connection is reset when so many bytes of the body have been stored.
        case cut(after: Int)
        /// The connection is closed instead of answering, when the body has been stored.
        case loseAnswer
        /// Answers at once, without reading the body.
        case refuse(Int, fields: String = "")
        /// Answers when the body has been stored.
        case answer(Int, fields: String = "")
        /// Reads so many bytes of the body, and nothing more.
        case stall(after: Int)
        /// Removes the upload, and answers 404.
        case forget
        /// Tells another offset than the right one.
        case lie(offset: Int)
    }

    public struct Upload: Sendable {
        public var body: [UInt8] = []
        public var isComplete = false
        public var requests = 0
        /// The connection that last asked or sent: an older one stores no more.
        var connection = 0
    }

    public struct Options: Sendable {
        public var version = 8
        /// Every so many bytes of a body, a 104 tells the offset.
        public var acknowledging: Int?
        /// What `Location` holds, for the path of an upload.
        public var location: @Sendable (String) -> String = { $0 }
        /// Whether the server knows resumable uploads.
        public var isResumable = true
        /// Sent behind the status of each 104.
        public var interimFields = ""
        /// The time to wait after each piece of a body, in microseconds.
        public var pause: UInt32 = 0

        public init() {}
    }

    private let options: Options
    private let fault: @Sendable (RequestHead, Int) -> Fault
    private let uploads = Mutex<[String: Upload]>([:])
    /// The heads of all requests, in order.
    public let heads = Shared<[RequestHead]>([])
    /// Bodies of requests that were no uploads.
    public let plain = Shared<[[UInt8]]>([])

    /// - Parameter fault: gets the head of each request and its number, from 1.
    public init(
        _ options: Options = Options(), fault: @escaping @Sendable (RequestHead, Int) -> Fault = { _, _ in .none }
    ) {
        self.options = options
        self.fault = fault
    }

    /// The uploads that are on the server.
    public var stored: [Upload] { uploads.withLock { $0 }.sorted { $0.key < $1.key }.map(\.value) }
    /// How many bytes are on the server.
    public var receivedCount: Int { uploads.withLock { $0.values.reduce(0) { $0 + $1.body.count } } }
    /// The methods of all requests.
    public var methods: [String] { heads.value.map { String($0.line.prefix { $0 != " " }) } }

    private func update(_ change: (inout [String: Upload]) -> Void) { uploads.withLock { change(&$0) } }

    public func serve(_ connection: RawConnection) throws {
        while let head = try connection.readHead() {
            heads.append(head)
            let fault = fault(head, heads.value.count)
            guard try answer(head, fault, connection) else { return }
        }
    }

    /// - Returns: whether the connection may be used again.
    private func answer(_ head: RequestHead, _ fault: Fault, _ connection: RawConnection) throws -> Bool {
        let words = head.line.split(separator: " ").map(String.init)
        let (method, path) = (words[0], words[1])
        if case .refuse(let status, let fields) = fault {
            try connection.respond(status, fields: fields + "Connection: close\r\n")
            try connection.hangUp()
            return false
        }
        let version = head["upload-draft-interop-version"].flatMap { Int($0) }
        if options.isResumable, let version, version != options.version {
            let field = "Upload-Draft-Interop-Version: \(options.version)\r\nConnection: close\r\n"
            try connection.respond(400, fields: field)
            try connection.hangUp()
            return false
        }
        if case .forget = fault {
            update { $0[path] = nil }
            try connection.respond(404, fields: "Connection: close\r\n")
            try connection.hangUp()
            return false
        }
        switch method {
        case "HEAD" where path.hasPrefix("/upload/"):
            update { [number = connection.number] in $0[path]?.connection = number }
            guard let upload = uploads.withLock({ $0[path] }) else {
                try connection.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                return true
            }
            if case .answer(let status, let fields) = fault {
                try connection.send("HTTP/1.1 \(status) Status\r\nContent-Length: 0\r\n\(fields)\r\n")
                return true
            }
            if case .cut = fault {
                connection.reset()
                return false
            }
            var offset = upload.body.count
            if case .lie(let other) = fault { offset = other }
            try connection.send(
                "HTTP/1.1 204 No Content\r\nUpload-Offset: \(offset)\r\nUpload-Complete: ?\(upload.isComplete ? 1 : 0)\r\n"
                    + "Cache-Control: no-store\r\n\r\n")
            return true
        case "DELETE":
            update { $0[path] = nil }
            try connection.send("HTTP/1.1 204 No Content\r\n\r\n")
            return true
        case "PATCH":
            return try append(to: path, head, fault, connection)
        default:
            guard options.isResumable, head["upload-complete"] != nil else {
                plain.append(try connection.readBody(of: head))
                try connection.respond(201, "plain")
                return true
            }
            let upload = "/upload/\(heads.value.count)"
            update { $0[upload] = Upload() }
            let fields = "Location: \(options.location(upload))\r\n" + options.interimFields
            try connection.sendInterim(104, fields: fields)
            return try receive(upload, head, fault, connection)
        }
    }

    private func append(
        to path: String, _ head: RequestHead, _ fault: Fault, _ connection: RawConnection
    ) throws -> Bool {
        guard let upload = uploads.withLock({ $0[path] }) else {
            try connection.respond(404, fields: "Connection: close\r\n")
            try connection.hangUp()
            return false
        }
        guard head["content-type"] == "application/partial-upload" else { throw FaultError("wrong type of a PATCH") }
        guard head["upload-offset"] == "\(upload.body.count)" else {
            try connection.respond(409, fields: "Upload-Offset: \(upload.body.count)\r\nConnection: close\r\n")
            try connection.hangUp()
            return false
        }
        return try receive(path, head, fault, connection)
    }

    private func receive(_ path: String, _ head: RequestHead, _ fault: Fault, _ connection: RawConnection) throws
        -> Bool
    {
        if head["expect"] != nil { try connection.send("HTTP/1.1 100 Continue\r\n\r\n") }
        var limit = Int.max
        if case .cut(let count) = fault { limit = count }
        if case .stall(let count) = fault { limit = count }
        update { [number = connection.number] uploads in
            uploads[path]?.requests += 1
            uploads[path]?.connection = number
        }
        let isWhole = try readBody(of: head, limit, connection) { bytes in
            update { [number = connection.number] in
                if $0[path]?.connection == number { $0[path]?.body += bytes }
            }
        }
        guard isWhole else {
            if case .stall = fault { connection.stall() }
            connection.reset()
            return false
        }
        guard uploads.withLock({ $0[path] })?.connection == connection.number else { return false }
        update { $0[path]?.isComplete = true }
        let upload = uploads.withLock({ $0[path] }) ?? Upload()
        switch fault {
        case .loseAnswer:
            connection.reset()
            return false
        case .answer(let status, let fields):
            try connection.respond(status, "as asked", fields: fields)
        default:
            try connection.respond(201, "\(upload.body.count)", fields: "Upload-Complete: ?1\r\n")
        }
        return true
    }

    /// Reads a body piece by piece.
    ///
    /// - Returns: whether it was read to its end, which needs fewer than `limit` bytes.
    private func readBody(
        of head: RequestHead, _ limit: Int, _ connection: RawConnection, _ store: ([UInt8]) -> Void
    ) throws -> Bool {
        var (read, told) = (0, 0)
        let start = head["upload-offset"].flatMap { Int($0) } ?? 0
        func take(_ bytes: [UInt8]) throws -> Bool {
            store(Array(bytes.prefix(limit - read)))
            read += bytes.count
            if options.pause > 0 { usleep(options.pause) }
            if let step = options.acknowledging, read - told >= step, read < limit {
                told = read
                try connection.sendInterim(104, fields: "Upload-Offset: \(start + read)\r\n\(options.interimFields)")
            }
            return read < limit
        }
        guard let length = head["content-length"].flatMap({ Int($0) }) else {
            while case let chunk = try connection.readChunk(), !chunk.isEmpty {
                guard try take(chunk) else { return false }
            }
            return true
        }
        while read < length {
            guard read < limit else { return false }
            let bytes = try connection.receive(count: min(16 << 10, length - read, limit - read))
            if try !take(bytes) { return false }
        }
        return true
    }
}
