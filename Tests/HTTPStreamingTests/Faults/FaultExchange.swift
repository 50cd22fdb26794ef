import Foundation
@testable import HTTPStreaming
import TestSupport
import Testing

/// How a request is sent.
enum Way: CaseIterable {
    /// With a Content-Length.
    case send
    /// Chunked, because of a content coding.
    case coded
    /// Chunked, part by part, and closed.
    case unclosed
}

/// When a server misbehaves.
enum Phase: CaseIterable {
    /// Before the server has read anything.
    case beforeHead
    /// After the head, before a 100 and the body.
    case beforeBody
    case midBody
    case afterBody
}

/// A way of sending, a phase, and whether the connection has been used before.
typealias FaultCase = (way: Way, phase: Phase, isKept: Bool)

let faultCases: [FaultCase] = Way.allCases.flatMap { way in
    Phase.allCases.flatMap { phase in [false, true].map { (way, phase, $0) } }
}

/// The result that a caller sees.
enum Outcome {
    case response(Response, content: Result<String, ClientError>)
    case error(ClientError)

    var response: Response? { if case .response(let response, _) = self { response } else { nil } }
    var content: String? { if case .response(_, .success(let content)) = self { content } else { nil } }
    /// Of the call, or of reading the content.
    var error: ClientError? {
        switch self {
        case .error(let error), .response(_, .failure(let error)): error
        case .response(_, .success): nil
        }
    }
}

/// A request to a server with a fault, and its outcome.
///
/// Each has a deadline and ends with a good request of the same client, which must succeed. The count of
/// bytes sent must be at least what the server has read, and at most the size of the body.
struct FaultExchange {
    /// Incompressible, and more than the kernel buffers.
    static let content = SeededGenerator.bytes(6 << 20, case: 0)
    static let small: [UInt8] = Array("small".utf8)

    var way = Way.send
    var phase = Phase.afterBody
    /// Whether the connection has been used before.
    var isKept = false
    var content = FaultExchange.content
    /// The time after which the task is cancelled, which is expected only if `isEndless`.
    var deadline = Duration.seconds(30)
    var isEndless = false
    var method = Client.Method.post

    private static let midBody = 300_000

    /// - Parameter fault: what the server does in that phase of each connection. Then it reads the rest of the
    ///   request and answers others correctly.
    func run(_ fault: @escaping @Sendable (RawConnection) throws -> Void) async throws -> Outcome {
        let (isOver, read) = (Shared(false), Shared(0))
        // Small enough for the body not to fit, large enough for it to arrive in time on a busy machine: the server's thread has
        // to wake up each time that the buffer is full.
        let server = try FaultServer(receiveBuffer: 64 << 10) { [phase, isKept] connection in
            if !isOver.value {
                if isKept, connection.number == 1 { try Self.serveOne(connection) }
                let request = try Self.read(connection, to: phase, read)
                try fault(connection)
                try Self.finish(connection, request)
            }
            while try Self.serveOne(connection) {}
        }
        defer { server.stop() }
        let client = try Client(method, server.url) {
            // Redirects have tests of their own.
            $0.maximumRedirects = 0
            if way == .coded { $0.contentCoding = .gzip(level: 0, workers: 2) }
        }
        if isKept { _ = try await client.send().text() }
        let outcome = await attempt(client)
        isOver.set(true)
        check(outcome, read: read.value)
        let good = await Self.withDeadline(.seconds(30)) {
            try await client.send(method == .head ? [] : [.field("a", "b")])
        }
        #expect(good.response?.status == 201, "the client can be used again: \(good)")
        return outcome
    }

    /// Reads and answers a whole request; false if there is none.
    @discardableResult
    private static func serveOne(_ connection: RawConnection) throws -> Bool {
        guard let head = try connection.readHead() else { return false }
        let body = try connection.readBody(of: head)
        try connection.respond(201, head.line.hasPrefix("HEAD") ? "" : "\(body.count)")
        return true
    }

    /// - Returns: the head, if it was read, and how many bytes of the body were read.
    private static func read(
        _ connection: RawConnection, to phase: Phase, _ total: Shared<Int>
    ) throws -> (head: RequestHead, read: Int?)? {
        switch phase {
        case .beforeHead: return nil
        case .beforeBody: return try connection.readHead().map { ($0, 0) }
        case .midBody:
            guard let head = try connection.readHeadAndContinue() else { return nil }
            let read = try connection.readBody(of: head, atLeast: midBody)
            total.set(read)
            return (head, read)
        case .afterBody:
            guard let head = try connection.readHead() else { return nil }
            total.set(try connection.readBody(of: head).count)
            return (head, nil)
        }
    }

    /// Reads the rest of a request, which may be nothing after an answer to an expectation.
    private static func finish(_ connection: RawConnection, _ request: (head: RequestHead, read: Int?)?) throws {
        guard let head = try request?.head ?? connection.readHead() else { return }
        guard let read = request.map(\.read) ?? 0 else { return }
        if read == 0, head["expect"] != nil, try connection.isNext("POST / ") { return }
        try connection.readRest(of: head, after: read)
    }

    private func attempt(_ client: Client) async -> Outcome {
        await Self.withDeadline(deadline, isExpected: isEndless) { [way, content, method] in
            guard method != .head else { return try await client.send() }
            guard way == .unclosed else { return try await client.send(Part("file", .bytes(content))) }
            // A first part, so that the large one meets an open request.
            if try await client.sendUnclosed(.field("first", "1")) {
                try await client.sendUnclosed(Part("file", .bytes(content)))
            }
            return try await client.close()
        }
    }

    /// Sends the request and reads the content, within the deadline.
    static func withDeadline(
        _ deadline: Duration, isExpected: Bool = false, _ body: @escaping @Sendable () async throws -> Response
    ) async -> Outcome {
        let task = Task { () -> Outcome in
            do {
                let response = try await body()
                do {
                    return .response(response, content: .success(try await response.text()))
                } catch let error as ClientError {
                    return .response(response, content: .failure(error))
                }
            } catch let error as ClientError {
                return .error(error)
            } catch {
                Issue.record("no ClientError: \(error)")
                return .error(.init(.transport, ""))
            }
        }
        let watchdog = Task {
            try await Task.sleep(for: deadline)
            if !isExpected { Issue.record("hangs") }
            task.cancel()
        }
        defer { watchdog.cancel() }
        return await task.value
    }

    private func check(_ outcome: Outcome, read: Int) {
        // Framing, the first part, and the overhead of incompressible content.
        let most = Int64(content.count + content.count / 100 + 2000)
        let sent: Int64
        switch outcome {
        case .response(let response, _): sent = response.bytesSent
        case .error(let error):
            sent = error.bytesSent
            #expect(!error.message.isEmpty && !error.description.contains("\n"))
            #expect(sent == 0 || error.description.contains("\(sent) bytes of the body had been sent"))
        }
        #expect(sent >= read && sent <= most, "\(sent) bytes sent, \(read) read, \(most) at most; \(outcome)")
    }
}
