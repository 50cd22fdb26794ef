import ContentCoding
import Foundation
import Multipart
import TestSupport
import Testing

@testable import HTTPStreaming

/// Blocks threads and suspends tasks until it is opened, for half a minute at most.
final class Gate: Sendable {
    private let isOpen = Shared(false)
    func open() { isOpen.set(true) }
    var isOpened: Bool { isOpen.value }

    func wait() {
        for _ in 0..<3000 where !isOpen.value { usleep(10_000) }
    }

    @discardableResult
    func opened() async -> Bool {
        for _ in 0..<3000 where !isOpen.value { try? await Task.sleep(for: .milliseconds(10)) }
        return isOpen.value
    }
}

/// Keeps every request and answers 201 with the size of its body.
final class Recorder: Sendable {
    typealias Request = (head: RequestHead, body: [UInt8], connection: Int)

    let kept = Shared<[Request]>([])

    var requests: [Request] { kept.value }
    var count: Int { requests.count }
    var last: Request? { requests.last }

    func request(_ index: Int) -> Request { requests[index] }

    /// The parts of the last request.
    func lastParts() throws -> [ReceivedPart] { try receivedParts(of: try #require(last)) }

    func serve(_ connection: RawConnection) throws {
        while let (head, body) = try connection.readRequest() { try take(head, body, connection) }
    }

    /// Keeps a request and answers it.
    func take(_ head: RequestHead, _ body: [UInt8], _ connection: RawConnection) throws {
        kept.append((head, body, connection.number))
        try connection.respond(201, "\(body.count)")
    }
}

/// A server that keeps every request, and a client of it.
func recording(
    _ method: Client.Method = .post, _ change: (inout Client.Configuration) -> Void = { _ in }
) throws -> (recorder: Recorder, server: FaultServer, client: Client) {
    let recorder = Recorder()
    let server = try FaultServer(recorder.serve)
    return (recorder, server, try Client(method, server.url, change))
}

/// A server that reads 10,000 bytes of a body, and the rest, which its buffer cannot hold, after the gate was opened.
func stallingServer(until gate: Gate) throws -> FaultServer {
    try FaultServer(receiveBuffer: 4096) { connection in
        try connection.readBeginning(10_000)
        gate.wait()
        while try !connection.receiveSome().isEmpty {}
    }
}

/// A server that refuses each request after the beginning of its body, and reads on.
func refusingServer(_ status: Int, _ text: String, fields: String = "") throws -> FaultServer {
    try FaultServer { connection in
        try connection.readBeginning()
        try connection.respond(status, text, fields: fields)
        while try !connection.receiveSome().isEmpty {}
    }
}

/// A server that keeps what it receives after a request's header, answers nothing, and opens the gate at the end.
func swallowingServer() throws -> (server: FaultServer, received: Shared<[UInt8]>, isOver: Gate) {
    let (received, isOver) = (Shared<[UInt8]>([]), Gate())
    let server = try FaultServer { connection in
        defer { isOver.open() }
        _ = try connection.readHeadAndContinue()
        while case let bytes = try connection.receiveSome(), !bytes.isEmpty { received.update { $0 += bytes } }
    }
    return (server, received, isOver)
}

extension RawConnection {
    /// Reads a request, opens the gate, and waits until the client has closed the connection.
    func ignoreRequest(_ isRead: Gate = Gate()) throws {
        _ = try readRequest()
        isRead.open()
        _ = isClosedByPeer()
    }
}

/// So many MiB of zeros as gzip, in members of 8 MiB, which take 8 KiB each.
func bomb(mebibytes: Int) throws -> [UInt8] {
    let member = try Coding.gzip.encode([UInt8](repeating: 0, count: 8 << 20))
    return Array(repeatElement(member, count: mebibytes / 8).joined())
}

/// A server that answers each request with these fields and `content`, the second half of it when the gate is opened,
/// and keeps the request's head.
func contentServer(
    _ fields: String, _ content: [UInt8], heads: Shared<[RequestHead]> = Shared([]), gate: Gate? = nil
) throws -> FaultServer {
    try FaultServer { connection in
        while let (head, _) = try connection.readRequest() {
            heads.update { $0.append(head) }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(content.count)\r\n\(fields)\r\n")
            // Over some time: bytes that arrive with the head are reported with the next ones.
            let (half, step) = (content.count / 2, max(1, content.count / 40))
            for start in stride(from: 0, to: half, by: step) {
                if gate != nil { usleep(5000) }
                try connection.send(Array(content[start..<min(half, start + step)]))
            }
            gate?.wait()
            try connection.send(Array(content[(content.count / 2)...]))
        }
    }
}

/// A form with these parts, opened and measured.
func form(_ parts: [Part] = [], isLast: Bool = true, encoder: MultipartEncoder = MultipartEncoder()) throws
    -> MultipartSource
{
    let form = MultipartSource(isOpenEnded: !isLast, encoder: encoder)
    if isLast || !parts.isEmpty { try form.add(parts, isLast: isLast) }
    return form
}

extension MultipartSource {
    func add(_ parts: [Part], isLast: Bool = false) throws {
        append(try prepare(parts, Preparation(recognizesCompressed: false)), isLast: isLast)
    }
}

extension Source {
    /// A reader that nothing else waits for.
    func reader(at offset: Int64 = 0) throws -> any SourceReader {
        try reader(at: offset, ReadContext(priority: .medium, onContent: {}))
    }
}

extension SourceReader {
    /// Reads as soon as there are bytes: where another thread opens or reads a file, a moment later.
    func readWaiting(into buffer: UnsafeMutableRawBufferPointer) throws -> ReadOutcome {
        for _ in 0..<30_000 {
            let outcome = try read(into: buffer)
            guard outcome == .waiting else { return outcome }
            usleep(1000)
        }
        throw FaultError("nothing could be read for 30 s")
    }

    /// All bytes up to the end, or until nothing is there, read into a buffer of that size.
    func readAll(buffer size: Int = 512) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0xAA, count: size)
        while case .bytes(let count) = try buffer.withUnsafeMutableBytes({ try readWaiting(into: $0) }) {
            bytes += buffer[..<count]
        }
        return bytes
    }
}

/// Expects a ``ClientError`` with that code, and returns it.
///
/// - Parameter limit: how long it may take; servers of tests often wait for half a minute.
@discardableResult
func expectError<Result>(
    _ code: ClientError.Code, _ comment: Comment? = nil, within limit: Duration = .seconds(3600),
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Result
) async -> ClientError? {
    let start = ContinuousClock.now
    let error = await #expect(throws: ClientError.self, comment, sourceLocation: sourceLocation) { try await body() }
    #expect(ContinuousClock.now - start < limit, comment, sourceLocation: sourceLocation)
    #expect(error?.code == code, comment, sourceLocation: sourceLocation)
    return error
}

/// Resets the peak of this process's resident memory, `VmHWM`. Linux only.
///
/// - Returns: the resident memory now, in KiB.
func resetPeakMemory() throws -> Int {
    // https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html
    try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    return try processStatus("VmRSS")
}
