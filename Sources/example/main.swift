// Uploads files in one request, downloads one, or echoes standard input; see `example -h`.

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
    let clearLine = "\r\u{1B}[K"
    if isatty(STDERR_FILENO) == 1 { _ = write(STDERR_FILENO, clearLine, clearLine.utf8.count) }
    show(Array(text.utf8), on: STDERR_FILENO)
}

func fail(_ message: String, status: Int32 = 1) -> Never {
    showStatus("example: \(message)\n")
    exit(status)
}

@Sendable func showProgress(_ bytes: Int64, _ fraction: Double?, _ rest: String) {
    guard isatty(STDERR_FILENO) == 1 else { return }
    showStatus("\(bytes / 1_000_000) MB\(fraction.map { ", \(Int($0 * 100)) %" } ?? "")\(rest)")
}

@Sendable func showProgress(_ progress: UploadProgress) {
    let sent = progress.bytesSent < progress.bytesRead ? ", \(progress.bytesSent / 1_000_000) MB sent" : ""
    showProgress(progress.bytesRead, progress.fractionCompleted, sent)
}

@Sendable func showProgress(_ progress: DownloadProgress) {
    let retry = progress.retry.map { ", again in \($0.delay.components.seconds) s: \($0.cause)" } ?? ""
    showProgress(progress.bytesReceived, progress.fractionCompleted, retry)
}

func part(_ path: Path, _ changes: Content.FileChanges) -> Part {
    path == "-" ? Part("file", .standardInput, filename: "stdin") : .file(path, changes: changes)
}

let usage =
    "usage: example [-gzip] [-changes HOW] [-cacert FILE] [-digest NAME] [-verify] [-resume] [-journal FILE] -filepath FILE "
    + "[-filepath FILE]..., or: example [-cacert FILE] -resume -journal FILE, or: example [-cacert FILE] -echo, "
    + "or: example [-cacert FILE] [-resume] -download URL -output FILE"
let help = """
    \(usage)

      -filepath FILE  upload this file, pipe or device; several are sent in one request; - is standard input
      -changes HOW    what to send of a file that is written to meanwhile: unchanged (the default: an error), prefix
                      (the bytes that it had when it was opened), as-read (all that can be read, without a length)
      -gzip           compress the body with gzip while it is sent
      -digest NAME    send a digest behind the body, sha-256 or sha-512, which the server checks
      -verify         ask the server for the digest of each stored file, and compare it with that of the file sent
      -resume         continue after an interruption, if the server supports resumable uploads
      -journal FILE   note in this file what is needed to continue the upload if this process ends; with -resume and without
                      -filepath, continue the upload of that file
      -download URL   download a file; with -resume, go on where an earlier call was interrupted
      -output FILE    the name of the downloaded file
      -cacert FILE    trust the certificates in this PEM file instead of the system's
      -echo           send lines from standard input to /echo and print the response as it arrives
      -h, --help      print this help

    The environment variable UPLOAD_HOST names the server; the default is http://localhost:3000.
    """
var paths: [Path] = []
var isEcho = false
var isVerified = false
var isResumed = false
var journal: Path?
var download: (url: String?, path: Path?)
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
    case "-digest", "--digest":
        let name = value().description
        guard let algorithm = DigestAlgorithm(rawValue: name) else {
            fail("-digest is not '\(name)', but sha-256 or sha-512; \(usage)", status: 2)
        }
        configuration.digest = .init(algorithm)
    case "-resume", "--resume":
        isResumed = true
    case "-journal", "--journal":
        journal = value()
    case "-download", "--download":
        download.url = value().description
    case "-output", "--output":
        download.path = value()
    case "-verify", "--verify":
        isVerified = true
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
if download != (nil, nil) {
    guard let url = download.url, let path = download.path, paths.isEmpty, journal == nil, !isEcho, !isVerified else {
        fail("-download and -output belong together, and take no other file; \(usage)", status: 2)
    }
    do {
        let client = try Client(configuration: configuration)
        let response = try await client.download(url, to: path, resuming: isResumed, progress: showProgress)
        showStatus("")
        show(Array("\(response.metrics.bodyBytesReceived) bytes received\n".utf8))
        exit(0)
    } catch {
        fail("\(error)")
    }
}
let continuesJournal = isResumed && journal != nil && paths.isEmpty && !isEcho
guard paths.isEmpty == isEcho || continuesJournal else {
    fail("\(isEcho ? "-echo takes no file" : "no file given"); \(usage)", status: 2)
}
guard !continuesJournal || !isVerified else { fail("-verify needs the files; \(usage)", status: 2) }
if isResumed || journal != nil { configuration.resumption = .automatic }
if !continuesJournal { configuration.journal = journal }
guard !isVerified || !isEcho else { fail("-verify is for files; \(usage)", status: 2) }

do {
    let host = getenv("UPLOAD_HOST").map { String(cString: $0) } ?? "http://localhost:3000"
    if isEcho {
        // Single lines hardly become smaller by compression.
        configuration.headerFields = ["Accept-Encoding": "identity"]
        try await echo(Client(.post, host + "/echo", configuration: configuration))
        exit(0)
    }
    let digests = isVerified ? paths.map { _ in ContentDigest(configuration.digest?.algorithm ?? .sha256) } : []
    if let digest = digests.first {
        configuration.headerFields = ["Want-Repr-Digest": "\(digest.algorithm.rawValue)=10"]
    }
    let client = try Client(.post, host, configuration: configuration)
    let parts = paths.enumerated().map { index, path in
        var part = part(path, changes)
        if isVerified { part.content = part.content.digested(into: digests[index]) }
        return part
    }

    for path in paths {
        var status = stat()
        // Of pipes and devices the size is unknown.
        guard path.withCString({ stat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
        show(path.bytes + Array(", \(status.st_size) bytes\n".utf8))
    }
    let start = ContinuousClock.now
    let response: Response
    if continuesJournal, let journal {
        response = try await client.resume(journal: journal, progress: showProgress)
    } else if journal != nil {
        response = try await client.send(parts, progress: showProgress)
    } else if parts.count == 1 {
        response = try await client.send(parts[0], progress: showProgress)
    } else {
        for part in parts { try await client.sendUnclosed(part, progress: showProgress) }
        response = try await client.close()
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    showStatus("")

    // A server that refuses the request may have stopped the body early: its rate would be meaningless.
    let rate = response.isSuccess ? ", \((Double(response.bytesSent) / 1e5 / seconds).rounded() / 10) MB/s" : ""
    show(Array("\(response.bytesSent) bytes sent in \((seconds * 1000).rounded() / 1000) s\(rate)\n".utf8))
    let answer = try await response.bytes()
    let lineEnd = UInt8(ascii: "\n")
    show(Array("\(response.status) ".utf8) + answer + (answer.last == lineEnd ? [] : [lineEnd]))
    if !response.isSuccess { exit(1) }
    if isVerified { verify(digests, with: answer) }
} catch {
    fail("\(error)")
}
