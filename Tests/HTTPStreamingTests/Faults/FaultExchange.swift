import Foundation
@testable import HTTPStreaming
import TestSupport
import Testing

/// How a request is sent.
enum Way: CaseIterable {
    /// Of a known length.
    case send
    /// Chunked, its length unknown because of a content coding.
    case coded
    /// Chunked, part by part, and closed.
    case unclosed
}

/// When a server misbehaves.
enum Phase: CaseIterable {
    /// Nothing of the request has been read.
    case beforeHead
    /// The head has been read, nothing of the body, and a 100 not been sent.
    case beforeBody
    case midBody
    case afterBody
}

/// What a caller gets to see.
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

/// A request to a server that misbehaves, and what comes of it.
///
/// Each has a deadline; each ends with a good request of the same client, which must succeed; and of each
/// the count of bytes sent must be no less than what the server has read, and no more than there were.
struct FaultExchange {
    /// Incompressible, and more than the kernel buffers.
    static let content: [UInt8] = {
        var generator = SeededGenerator(case: 0)
        return (0..<(6 << 17)).flatMap { _ in withUnsafeBytes(of: generator.next(), Array.init) }
    }()
    static let small: [UInt8] = Array("small".utf8)

    var way = Way.send
    var phase = Phase.afterBody
    /// Whether the connection has been used before.
    var isKept = false
    var content = FaultExchange.content
    /// After which time the task is cancelled; that is expected if `isEndless`.
    var deadline = Duration.seconds(30)
    var isEndless = false
    var method = Client.Method.post

    private static let midBody = 300_000

    /// - Parameter fault: what the server does when the phase is reached, on each connection; then it reads what
    ///   is left of the request, and serves others well.
    func run(_ fault: @escaping @Sendable (RawConnection) throws -> Void) async throws -> Outcome {
        let (isOver, read) = (Shared(false), Shared(0))
        let server = try FaultServer(receiveBuffer: 8192) { [phase, isKept] connection in
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
            // What comes of following them is tested where that is.
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

    /// A whole request and its answer; false if there is none.
    @discardableResult
    private static func serveOne(_ connection: RawConnection) throws -> Bool {
        guard let head = try connection.readHead() else { return false }
        let body = try connection.readBody(of: head)
        try connection.respond(201, head.line.hasPrefix("HEAD") ? "" : "\(body.count)")
        return true
    }

    /// - Returns: the head, if it has been read, and how much of the body.
    private static func read(
        _ connection: RawConnection, to phase: Phase, _ total: Shared<Int>
    ) throws -> (head: RequestHead, read: Int?)? {
        switch phase {
        case .beforeHead:
            return nil
        case .beforeBody:
            return try connection.readHead().map { ($0, 0) }
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

    /// Reads what is left of a request; behind an answer to an expectation that may be nothing.
    private static func finish(_ connection: RawConnection, _ request: (head: RequestHead, read: Int?)?) throws {
        guard let head = try request?.head ?? connection.readHead() else { return }
        guard let read = request.map(\.read) ?? 0 else { return }
        if read == 0, head["expect"] != nil, try connection.isNext("POST / ") { return }
        try connection.readRest(of: head, after: read)
    }

    private func attempt(_ client: Client) async -> Outcome {
        await Self.withDeadline(deadline, isExpected: isEndless) { [way, content, method] in
            guard method != .head else { return try await client.send() }
            guard way == .unclosed else { return try await client.send(.bytes(content)) }
            // A part of its own before, so that the big one meets an open request.
            if try await client.sendUnclosed(.field("first", "1")) { try await client.sendUnclosed(.bytes(content)) }
            return try await client.close()
        }
    }

    /// Sends and reads the content, both in time.
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
        // Framing, the part before, and what incompressible content grows by.
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
