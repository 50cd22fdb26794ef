// Uploads files: `example -filepath big.bin`. Several become one request:
// `example -filepath a.bin -filepath b.bin`. With `-gzip`, compressed on the way. `-` is standard input.
// With `-echo`, sends lines from standard input and prints what comes back.

import HTTPStreaming

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// On a terminal, takes the place of the progress line.
@Sendable func showStatus(_ text: String) {
    let line = (isatty(STDERR_FILENO) == 1 ? "\r\u{1B}[K" : "") + text
    _ = write(STDERR_FILENO, line, line.utf8.count)
}

func fail(_ message: String, status: Int32 = 1) -> Never {
    showStatus("example: \(message)\n")
    exit(status)
}

@Sendable func showProgress(_ progress: UploadProgress) {
    guard isatty(STDERR_FILENO) == 1 else { return }
    let percent = progress.totalBytes.map { ", \($0 == 0 ? 100 : progress.bytesRead * 100 / $0) %" } ?? ""
    let sent = progress.bytesSent < progress.bytesRead ? ", \(progress.bytesSent / 1_000_000) MB sent" : ""
    showStatus("\(progress.bytesRead / 1_000_000) MB\(percent)\(sent)")
}

func part(_ path: String) -> Part {
    path == "-" ? Part("file", .standardInput, filename: "stdin") : .file(path)
}

let usage = "usage: example [-gzip] [-cacert FILE] -filepath FILE [-filepath FILE]... (-: standard input), or -echo"
var paths: [String] = []
var isEcho = false
var configuration = Client.Configuration()
var arguments = CommandLine.arguments.dropFirst()
while let option = arguments.popFirst() {
    switch option {
    case "-gzip", "--gzip":
        configuration.contentCoding = .gzip()
    case "-echo", "--echo":
        isEcho = true
    case "-cacert", "--cacert":
        guard let path = arguments.popFirst() else { fail(usage, status: 2) }
        configuration.tls.caFile = path
    case "-filepath", "--filepath":
        guard let path = arguments.popFirst() else { fail(usage, status: 2) }
        paths.append(path)
    default:
        fail(usage, status: 2)
    }
}
guard paths.isEmpty == isEcho else { fail("\(isEcho ? "a file for -echo" : "no file given"); \(usage)", status: 2) }

do {
    let host = getenv("UPLOAD_HOST").map { String(cString: $0) } ?? "http://localhost:3000"
    if isEcho {
        // Lines that come back at once become no smaller.
        configuration.headerFields = ["Accept-Encoding": "identity"]
        try await echo(Client(.post, host + "/echo", configuration: configuration))
        exit(0)
    }
    let client = try Client(.post, host, configuration: configuration)

    var size = 0
    for path in paths {
        var status = stat()
        guard stat(path, &status) == 0 else { continue }
        print("\(path), \(status.st_size) bytes")
        size += Int(status.st_size)
    }
    let start = ContinuousClock.now
    let response: Response
    if paths.count == 1 {
        response = try await client.send(part(paths[0]), progress: showProgress)
    } else {
        for path in paths { try await client.sendUnclosed(part(path), progress: showProgress) }
        response = try await client.close()
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    showStatus("")

    let rate = Double(size) / 1e6 / seconds
    print(
        "\(response.bytesSent) bytes sent in \((seconds * 1000).rounded() / 1000) s, \((rate * 10).rounded() / 10) MB/s"
    )
    let answer = try await response.text()
    print(response.status, answer, terminator: answer.hasSuffix("\n") ? "" : "\n")
    if !response.isSuccess { exit(1) }
} catch {
    fail("\(error)")
}
