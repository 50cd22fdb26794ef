// A proxy that simulates a slow link: `pace BYTES-PER-SECOND TARGET-PORT` listens on a free port of the loopback
// interface and prints the port. It forwards bytes to the target at the given speed, and responses without delay.

import Foundation

#if canImport(Glibc)
let stream = Int32(SOCK_STREAM.rawValue)
#else
let stream = SOCK_STREAM
#endif

guard CommandLine.arguments.count == 3, let rate = Double(CommandLine.arguments[1]),
    let target = UInt16(CommandLine.arguments[2])
else {
    print("usage: pace BYTES-PER-SECOND TARGET-PORT")
    exit(2)
}
signal(SIGPIPE, SIG_IGN)

func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return address
}

func with<Result>(_ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> Result) -> Result {
    withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) }
    }
}

/// Copies until `source` ends or `sink` fails, then shuts down `sink` for writing.
@Sendable func pass(from source: Int32, to sink: Int32, bytesPerSecond: Double?) {
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    let start = ContinuousClock.now
    var passed = 0.0
    while case let count = recv(source, &buffer, buffer.count, 0), count > 0 {
        if let bytesPerSecond {
            passed += Double(count)
            let due = start + .seconds(passed / bytesPerSecond)
            let wait = (due - .now) / .seconds(1)
            if wait > 0 { usleep(UInt32(wait * 1e6)) }
        }
        var sent = 0
        while sent < count {
            let more = buffer[sent..<count].withUnsafeBytes { send(sink, $0.baseAddress, $0.count, 0) }
            guard more > 0 else { break }
            sent += more
        }
        if sent < count { break }
    }
    shutdown(sink, Int32(SHUT_WR))
}

let listener = socket(AF_INET, stream, 0)
// A small buffer, like the queue of a network card; the default would hold megabytes.
var size: Int32 = 128 << 10
setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
var own = address(0)
var length = socklen_t(MemoryLayout<sockaddr_in>.size)
guard
    with(
        &own,
        { bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0 })
else {
    print("cannot listen: \(String(cString: strerror(errno)))")
    exit(1)
}
print(UInt16(bigEndian: own.sin_port))
fflush(nil)
while true {
    let client = accept(listener, nil, nil)
    guard client >= 0 else { continue }
    let server = socket(AF_INET, stream, 0)
    var peer = address(target)
    guard with(&peer, { connect(server, $0, length) }) == 0 else {
        close(client)
        close(server)
        continue
    }
    Thread.detachNewThread {
        let back = Thread { pass(from: server, to: client, bytesPerSecond: nil) }
        back.start()
        pass(from: client, to: server, bytesPerSecond: rate)
        while !back.isFinished { usleep(1000) }
        close(client)
        close(server)
    }
}
