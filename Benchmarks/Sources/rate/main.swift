// Measures how closely an upload keeps to a rate limit: `rate BYTES-PER-SECOND SECONDS` uploads for that time to a
// server in this process, which discards the body. Prints the measured rate and the processor time. Fails if the rate
// deviates from the limit by more than 5 %.

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

/// Reads each request up to the closing delimiter of its multipart body, and responds.
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
    // 0 is RUSAGE_SELF, which has another type in Glibc's module.
    getrusage(0, &usage)
    let micro = Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + micro / 1e6
}

let path = NSTemporaryDirectory() + "rate-\(getpid())"
_ = FileManager.default.createFile(atPath: path, contents: nil)
// The file is sparse, so that the disk does not affect the result.
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
        format: "%.0f of %d bytes/s: %+.2f %%, in %.2f s, %.2f s of processor time for client and server", measured,
        rate,
        deviation, time, processorSeconds() - before))
exit(abs(deviation) <= 5 && response.status == 200 ? 0 : 1)
