// Uploads files in one request, or echoes standard input; see `example -h`.

import HTTPStreaming

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Writes to standard error; on a terminal, over the progress line.
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
    let percent = progress.fractionCompleted.map { ", \(Int($0 * 100)) %" } ?? ""
    let sent = progress.bytesSent < progress.bytesRead ? ", \(progress.bytesSent / 1_000_000) MB sent" : ""
    showStatus("\(progress.bytesRead / 1_000_000) MB\(percent)\(sent)")
}

func part(_ path: Path, _ changes: Content.FileChanges) -> Part {
    path == "-" ? Part("file", .standardInput, filename: "stdin") : .file(path, changes: changes)
}

let usage =
    "usage: example [-gzip] [-changes HOW] [-cacert FILE] -filepath FILE [-filepath FILE]..., "
    + "or: example [-cacert FILE] -echo"
let help = """
    \(usage)

      -filepath FILE  upload this file, pipe or device; several are sent in one request; - is standard input
      -changes HOW    what to send of a file that is written to meanwhile: unchanged (the default: an error), prefix
                      (the bytes that it had when it was opened), as-read (all that can be read, without a length)
      -gzip           compress the body with gzip while it is sent
      -cacert FILE    trust the certificates in this PEM file instead of the system's
      -echo           send lines from standard input to /echo and print the response as it arrives
      -h, --help      print this help

    The environment variable UPLOAD_HOST names the server; the default is http://localhost:3000.
    """
var paths: [Path] = []
var isEcho = false
var changes = Content.FileChanges.unchanged
var configuration = Client.Configuration()
// As bytes: the name of a file need not be UTF-8.
let all = UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
var arguments = all.compactMap { $0.map { Path(cString: $0) } }.dropFirst()
while let option = arguments.popFirst() {
    func value() -> Path {
        arguments.popFirst() ?? { fail("\(option) needs a value; \(usage)", status: 2) }()
    }
    switch option.description {
    case "-h", "-help", "--help":
        print(help)
        exit(0)
    case "-gzip", "--gzip":
        configuration.contentCoding = .gzip()
    case "-changes", "--changes":
        switch value().description {
        case "unchanged": changes = .unchanged
        case "prefix": changes = .prefix
        case "as-read": changes = .asRead
        case let other: fail("-changes is not '\(other)', but unchanged, prefix or as-read; \(usage)", status: 2)
        }
    case "-echo", "--echo":
        isEcho = true
    case "-cacert", "--cacert":
        configuration.tls.caFile = value().description
    case "-filepath", "--filepath":
        paths.append(value())
    default:
        fail("unknown argument '\(option)'; \(usage)", status: 2)
    }
}
guard paths.isEmpty == isEcho else { fail("\(isEcho ? "-echo takes no file" : "no file given"); \(usage)", status: 2) }

do {
    let host = getenv("UPLOAD_HOST").map { String(cString: $0) } ?? "http://localhost:3000"
    if isEcho {
        // Single lines hardly become smaller by compression.
        configuration.headerFields = ["Accept-Encoding": "identity"]
        try await echo(Client(.post, host + "/echo", configuration: configuration))
        exit(0)
    }
    let client = try Client(.post, host, configuration: configuration)

    for path in paths {
        var status = stat()
        // Of pipes and devices the size is unknown.
        guard path.withCString({ stat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
        print("\(path), \(status.st_size) bytes")
    }
    let start = ContinuousClock.now
    let response: Response
    if paths.count == 1 {
        response = try await client.send(part(paths[0], changes), progress: showProgress)
    } else {
        for path in paths { try await client.sendUnclosed(part(path, changes), progress: showProgress) }
        response = try await client.close()
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    showStatus("")

    // A server that refuses the request may have stopped the body early: its rate would be meaningless.
    let rate = response.isSuccess ? ", \((Double(response.bytesSent) / 1e5 / seconds).rounded() / 10) MB/s" : ""
    print("\(response.bytesSent) bytes sent in \((seconds * 1000).rounded() / 1000) s\(rate)")
    let answer = try await response.text()
    print(response.status, answer, terminator: answer.hasSuffix("\n") ? "" : "\n")
    if !response.isSuccess { exit(1) }
} catch {
    fail("\(error)")
}
