import ContentCoding
import Foundation
import Hummingbird
import Logging
import NIOCore
import TestSupport

@testable import Receiver

/// A server in this process, on a free port, with its own directory.
struct RunningServer {
    let port: Int
    let directory: TemporaryDirectory

    var url: String { "http://127.0.0.1:\(port)" }

    /// Runs `body` with a running server, and stops the server afterwards.
    ///
    /// - Parameter storage: by default a `DirectoryStorage` in `directory`.
    @discardableResult
    static func with<Result>(
        storage: ((TemporaryDirectory) throws -> any Storage)? = nil, directory: TemporaryDirectory? = nil,
        configure: (inout Receiver.Configuration) -> Void = { _ in },
        _ body: (RunningServer) async throws -> Result
    ) async throws -> Result {
        let directory = try directory ?? TemporaryDirectory()
        var configuration = Receiver.Configuration()
        configuration.port = 0
        configure(&configuration)
        let receiver = try Receiver(
            storage: try storage?(directory) ?? DirectoryStorage(path: directory.path), configuration: configuration,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let application = receiver.application { continuation.yield($0.port ?? 0) }
        let task = Task {
            defer { continuation.finish() }
            try await application.run()
        }
        defer { task.cancel() }
        guard let port = await ports.first(where: { _ in true }) else {
            try await task.value
            throw CancellationError()
        }
        return try await body(RunningServer(port: port, directory: directory))
    }

    /// Opens a connection and uses it with blocking calls, on its own thread.
    func connected<Result: Sendable>(
        _ body: @escaping @Sendable (RawConnection) throws -> Result
    ) async throws -> Result {
        let port = port
        return try await RawConnection.onThread { try body(RawConnection(port: port)) }
    }

    /// Sends a request on its own connection.
    ///
    /// - Parameter finishes: whether the client then closes its sending side.
    func response(
        to head: String, _ body: [UInt8] = [], finishes: Bool = false
    ) async throws -> (status: Int, head: String, body: String) {
        try await connected { try $0.ask(head, body, finishes: finishes) }
    }

    /// Sends a request after whose response the server closes the connection.
    ///
    /// - Returns: the response, and what follows it.
    func lastResponse(
        to head: String, _ body: [UInt8] = [], finishes: Bool = false
    ) async throws -> (response: (status: Int, head: String, body: String), rest: [UInt8]) {
        try await connected { (try $0.ask(head, body, finishes: finishes), try $0.receiveToEnd()) }
    }

    /// Sends a request and, for half a second, zeros.
    ///
    /// - Returns: how many zeros the system has accepted.
    func zerosAccepted(after request: String) async throws -> Int {
        try await connected { connection in
            connection.setSendDeadline(.milliseconds(500))
            try connection.send(request)
            return connection.sendZeros()
        }
    }

    /// Sends a request with Content-Length and returns the response.
    func post(
        _ body: [UInt8], path: String = "/", boundary: String = "B", fields: [String] = []
    ) async throws -> (status: Int, head: String, body: String) {
        try await response(to: Self.head(path: path, boundary: boundary, length: body.count, fields: fields), body)
    }

    /// Sends any request on its own connection.
    func request(
        _ method: String, _ path: String, fields: [String] = [], body: [UInt8] = [], chunked: Bool = false
    ) async throws -> (status: Int, head: String, body: String) {
        let framing = chunked ? "Transfer-Encoding: chunked" : "Content-Length: \(body.count)"
        let head = ["\(method) \(path) HTTP/1.1", "Host: x", framing] + fields
        let chunks = (body.isEmpty ? [] : chunk(body)) + chunk([])
        return try await response(to: head.joined(separator: "\r\n") + "\r\n\r\n", chunked ? chunks : body)
    }

    static func head(
        path: String = "/", boundary: String = "B", length: Int?, fields: [String] = []
    ) -> String {
        let framing = length.map { "Content-Length: \($0)" } ?? "Transfer-Encoding: chunked"
        let type = "Content-Type: multipart/form-data; boundary=\(boundary)"
        return (["POST \(path) HTTP/1.1", "Host: x", type, framing] + fields).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// A multipart body with boundary `B` and the given files.
    static func document(_ files: [(filename: String, content: [UInt8])], close: String = "--B--\r\n") -> [UInt8] {
        var bytes: [UInt8] = []
        for (filename, content) in files {
            bytes += "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\(filename)\"\r\n\r\n".utf8
            bytes += content
            bytes += "\r\n".utf8
        }
        return bytes + close.utf8
    }

    /// Whether the server still stores an upload. Removes it again.
    func isAlive() async throws -> Bool {
        let response = try await post(Self.document([("alive", [1, 2, 3])]))
        try FileManager.default.removeItem(atPath: directory.path("alive"))
        return response.status == 201
    }

    /// The directory's contents. Waits until it is empty, because the server may still be removing the files of a lost
    /// connection.
    func contentsWhenSettled() async throws -> [String] {
        _ = try await eventually { try directory.contents().isEmpty }
        return try directory.contents()
    }
}

extension ServerProcess {
    /// Sends a request on its own connection.
    func response(to head: String, _ body: [UInt8] = []) async throws -> (status: Int, head: String, body: String) {
        try await connected { try $0.ask(head, body) }
    }
}

/// A chunk of a body (RFC 9112 §7.1); the last one if it is empty.
func chunk(_ bytes: some Collection<UInt8>) -> [UInt8] {
    Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + "\r\n".utf8
}

extension RawConnection {
    /// Sends a request and receives its response.
    ///
    /// - Parameter finishes: whether the client then closes its sending side.
    func ask(
        _ head: String, _ body: [UInt8] = [], finishes: Bool = false
    ) throws -> (status: Int, head: String, body: String) {
        try send(head)
        if !body.isEmpty { try send(body) }
        if finishes { finishSending() }
        return try receiveResponse()
    }

    /// Sends zeros until that fails, at most 1 GiB.
    ///
    /// - Returns: how many bytes the system has accepted.
    func sendZeros() -> Int {
        let piece = [UInt8](repeating: 0, count: 1 << 18)
        var sent = 0
        while sent < 1 << 30, (try? send(piece)) != nil { sent += piece.count }
        return sent
    }
}

/// The JSON of a response.
struct Answer: Decodable, Equatable {
    struct Part: Decodable, Equatable {
        var name: String
        var filename: String?
        var contentType: String?
        var size: Int
        var value: String?
        var truncated: Bool?
        var savedAs: String?
        var sha256: String?
        var sha512: String?
        var verifiedDigests: [String]?
        var ignoredDigests: [String]?
    }

    var parts: [Part]?
    var bytes: Int?
    var error: String?

    init(_ body: some Sequence<UInt8>) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Answer.self, from: Data(body))
    }
}
