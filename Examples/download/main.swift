// Downloads a file and shows the progress; after an interruption, run it again: `download URL FILE`.
import HTTPStreaming

guard CommandLine.arguments.count == 3 else { fatalError("usage: download URL FILE") }
let client = try Client()
try await client.download(CommandLine.arguments[1], to: CommandLine.arguments[2], resuming: true) { progress in
    if let retry = progress.retry { print("again in \(retry.delay): \(retry.cause)") }
    print(progress.bytesReceived, "of", progress.totalBytes.map { "\($0) bytes" } ?? "an unknown number of bytes")
}
