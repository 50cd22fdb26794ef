import ContentCoding
import Foundation
import Multipart
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

/// A value shared by threads.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>
    init(_ value: Value) { mutex = Mutex(value) }
    var value: Value { mutex.withLock { $0 } }
    func set(_ value: Value) { mutex.withLock { $0 = value } }
    func update(_ change: @Sendable (inout Value) -> Void) { mutex.withLock { change(&$0) } }
}

/// Holds threads, or tasks, until it is opened.
final class Gate: Sendable {
    private let isOpen = Shared(false)
    func open() { isOpen.set(true) }
    var isOpened: Bool { isOpen.value }

    func wait() {
        for _ in 0..<3000 where !isOpen.value { usleep(10_000) }
    }

    func opened() async {
        for _ in 0..<3000 where !isOpen.value { try? await Task.sleep(for: .milliseconds(10)) }
    }
}

/// A server that answers 201 with what it got, and keeps every request.
final class Recorder: Sendable {
    typealias Request = (head: RequestHead, body: [UInt8], connection: Int)

    let requests = Mutex<[Request]>([])

    var count: Int { requests.withLock { $0.count } }

    func request(_ index: Int) -> Request { requests.withLock { $0[index] } }

    func serve(_ connection: RawConnection) throws {
        while let head = try connection.readHead() {
            let body = try connection.readBody(of: head)
            requests.withLock { $0.append((head, body, connection.number)) }
            try connection.respond(201, "\(body.count)")
        }
    }
}

/// A server that takes 10,000 bytes of a body, and the rest, which does not fit into its buffer, when the gate is open.
func stallingServer(until gate: Gate) throws -> FaultServer {
    try FaultServer(receiveBuffer: 4096) { connection in
        _ = try connection.readHeadAndContinue()
        _ = try connection.receive(count: 10_000)
        gate.wait()
        while try !connection.receiveSome().isEmpty {}
    }
}

/// As many MiB of zeros as gzip, in members of 8 MiB, which are 8 KiB each.
func bomb(mebibytes: Int) throws -> [UInt8] {
    let member = try Coding.gzip.encode([UInt8](repeating: 0, count: 8 << 20))
    return Array(repeatElement(member, count: mebibytes / 8).joined())
}

/// Answers each request with `content` under these fields, and keeps the request's head.
func contentServer(
    _ fields: String, _ content: [UInt8], heads: Shared<[RequestHead]> = Shared([])
) throws -> FaultServer {
    try FaultServer { connection in
        while let head = try connection.readHead() {
            _ = try connection.readBody(of: head)
            heads.update { $0.append(head) }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(content.count)\r\n\(fields)\r\n")
            try connection.send(content)
        }
    }
}

/// Parts as the agent gets them.
func prepared(_ parts: [Part], _ encoder: MultipartEncoder) throws -> [PreparedPart] {
    try parts.map { try PreparedPart($0, encoder: encoder, recognizesCompressed: false) }
}

/// Reads on as soon as there is something: where a file is opened or read by another thread, a moment
/// later.
func readWaiting(_ body: inout BodyReader, into buffer: UnsafeMutableRawBufferPointer) throws -> BodyRead {
    for _ in 0..<30_000 {
        let outcome = try body.read(into: buffer)
        guard outcome == .waiting else { return outcome }
        usleep(1000)
    }
    throw FaultError("nothing came to be read for 30 s")
}

/// Expects a ``ClientError`` with that code, and returns it.
@discardableResult
func expectError<Result>(
    _ code: ClientError.Code, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Result
) async -> ClientError? {
    let error = await #expect(throws: ClientError.self, comment, sourceLocation: sourceLocation) { try await body() }
    #expect(error?.code == code, comment, sourceLocation: sourceLocation)
    return error
}

/// What the kernel says of this process, such as `VmHWM` in KiB or `Threads`. Linux only.
func processStatus(_ key: String) throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("\(key):") }
    return try #require(line.flatMap { Int($0.split(whereSeparator: \.isWhitespace)[1]) })
}

/// Forgets the peak of this process's resident memory, `VmHWM`. Linux only.
///
/// - Returns: what is resident now, in KiB.
func resetPeakMemory() throws -> Int {
    // https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html
    try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    return try processStatus("VmRSS")
}
