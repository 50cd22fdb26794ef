// How exact a rate limit is: `rate BYTES-PER-SECOND SECONDS` sends for so long to a server of its own, which
// discards it, and prints what came in a second, and how much of a processor it took. Fails if that is
// not within 5 % of the limit.

import Foundation
import HTTPStreaming

guard CommandLine.arguments.count == 3, let rate = Int(CommandLine.arguments[1]), rate > 0,
    let seconds = Double(CommandLine.arguments[2]), seconds > 0
else {
    print("usage: rate BYTES-PER-SECOND SECONDS")
    exit(2)
}

#if canImport(Glibc)
let stream = Int32(SOCK_STREAM.rawValue)
#else
let stream = SOCK_STREAM
#endif

let listener = socket(AF_INET, stream, 0)
var address = sockaddr_in()
address.sin_family = sa_family_t(AF_INET)
address.sin_addr.s_addr = inet_addr("127.0.0.1")
var length = socklen_t(MemoryLayout<sockaddr_in>.size)
withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        guard bind(listener, $0, length) == 0, listen(listener, 1) == 0, getsockname(listener, $0, &length) == 0 else {
            print("cannot listen: \(String(cString: strerror(errno)))")
            exit(1)
        }
    }
}

/// Reads requests whole, and answers each: their bodies have a length and a type of multipart, so that
/// the closing delimiter ends them.
Thread.detachNewThread { [listener] in
    let connection = accept(listener, nil, nil)
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    while case let count = recv(connection, &buffer, buffer.count, 0), count > 0 {
        guard count >= 4, buffer[(count - 4)..<count].elementsEqual("--\r\n".utf8) else { continue }
        _ = answer.withCString { send(connection, $0, strlen($0), 0) }
    }
    close(connection)
}

func processorSeconds() -> Double {
    var usage = rusage()
    // RUSAGE_SELF, which Glibc has as an enumeration of another type.
    getrusage(0, &usage)
    let micro = Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + micro / 1e6
}

let path = NSTemporaryDirectory() + "rate-\(getpid())"
_ = FileManager.default.createFile(atPath: path, contents: nil)
// Sparse: the disk is not what is measured.
guard truncate(path, off_t(Double(rate) * seconds)) == 0 else {
    print("cannot make \(path)")
    exit(1)
}
var configuration = Client.Configuration()
configuration.maximumUploadBytesPerSecond = rate
configuration.expect = .never
let client = try Client(.post, "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/", configuration: configuration)
let before = processorSeconds()
let start = ContinuousClock.now
let response = try await client.send(.file(path))
let time = (ContinuousClock.now - start) / .seconds(1)
try? FileManager.default.removeItem(atPath: path)
let measured = Double(response.bytesSent) / time
let deviation = (measured / Double(rate) - 1) * 100
print(
    String(
        format: "%.0f of %d bytes/s: %+.2f %%, in %.2f s, %.2f s of processor time with the server's", measured, rate,
        deviation, time, processorSeconds() - before))
exit(abs(deviation) <= 5 && response.status == 200 ? 0 : 1)
