import Foundation
import TestSupport

/// What a server does on a connection, at random; it ends by closing.
struct FaultScript {
    enum Step {
        /// Reads so many bytes unless none arrive for some time.
        case read(Int)
        case send([UInt8])
        case pause(milliseconds: UInt32)
    }

    enum Ending: CaseIterable { case close, hangUp, reset }

    private(set) var steps: [Step] = []
    let ending: Ending

    private static let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", "HTTP/1.0 200 OK\r\n\r\nto the end",
        "HTTP/1.1 204 None\r\n\r\n", "HTTP/1.1 304 None\r\nContent-Length: 9\r\n\r\n", "HTTP/1.0 413 No\r\n\r\ntoo big",
        "HTTP/1.1 413 No\r\nContent-Length: 7\r\n\r\ntoo big", "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 413 No\r\nContent-Length: 7\r\nConnection: close\r\n\r\ntoo big",
        "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nlater\r\n0\r\nA: b\r\n\r\n",
        "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 There\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 2", "SSH-2.0\r\n", "",
        "HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + String(repeating: "z", count: 400_000),
    ]
    private static let interims = [
        "100 Continue", "102 Processing", "103 Hints\r\nLink: x", "104 Upload\r\nLocation: /u",
    ]

    init(_ generator: inout SeededGenerator) {
        ending = generator.pick(Ending.allCases)
        if !generator.oneIn(4) { steps.append(.read(.random(in: 0...3000, using: &generator))) }
        if generator.oneIn(2) { steps.append(.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))) }
        for _ in 0..<Int.random(in: 1...2, using: &generator) { addAnswer(&generator) }
    }

    /// A response in pieces, sometimes truncated or garbled, with other data in between.
    private mutating func addAnswer(_ generator: inout SeededGenerator) {
        var bytes = Array(generator.pick(Self.answers).utf8)
        if generator.oneIn(3) { bytes = Array("HTTP/1.1 \(generator.pick(Self.interims))\r\n\r\n".utf8) + bytes }
        if generator.oneIn(4) { bytes.removeLast(.random(in: 0...bytes.count, using: &generator)) }
        if generator.oneIn(4), !bytes.isEmpty {
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[.random(in: 0..<min(bytes.count, 200), using: &generator)] = .random(
                    in: 0...255, using: &generator)
            }
        }
        repeat {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: steps.append(.pause(milliseconds: .random(in: 0...8, using: &generator)))
            case 1, 2: steps.append(.read(.random(in: 0...(1 << generator.pick([4, 12, 18, 21])), using: &generator)))
            default: break
            }
            let count = generator.oneIn(2) ? bytes.count : .random(in: 0...bytes.count, using: &generator)
            steps.append(.send(Array(bytes.prefix(count))))
            bytes.removeFirst(count)
        } while !bytes.isEmpty && steps.count < 30
    }

    func run(_ connection: RawConnection) throws {
        connection.setSendDeadline(.seconds(1))
        for step in steps {
            switch step {
            case .read(var count):
                while count > 0, connection.isReadable(within: 15) {
                    let bytes = try connection.receiveSome()
                    if bytes.isEmpty { break }
                    count -= bytes.count
                }
            case .send(let bytes): try connection.send(bytes)
            case .pause(let milliseconds): usleep(milliseconds * 1000)
            }
        }
        switch ending {
        case .close: break
        case .reset: connection.reset()
        case .hangUp:
            connection.finishSending()
            while connection.isReadable(within: 100), try !connection.receiveSome().isEmpty {}
        }
    }
}
