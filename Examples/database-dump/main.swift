// Sends what a program writes, compressed: `database-dump URL pg_dump shop`. If the program fails, the request is cut
// off before its end, so that the server never stores half a dump as a whole one.
import Foundation
import HTTPStreaming

guard CommandLine.arguments.count > 2 else { fatalError("usage: database-dump URL PROGRAM [ARGUMENT…]") }

struct ProgramFailed: Error { let status: Int32 }

/// What a program writes to its standard output, and then an error unless it succeeds.
func output(of command: [String]) throws -> AsyncThrowingStream<Data, any Error> {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardOutput = pipe
    let (ended, end) = AsyncStream.makeStream(of: Int32.self)
    process.terminationHandler = {
        end.yield($0.terminationStatus)
        end.finish()
    }
    try process.run()
    let file = pipe.fileHandleForReading
    // One read at a time, on a thread that may block: the next one begins when the network has asked for it.
    return AsyncThrowingStream {
        let data = try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try file.read(upToCount: 64 << 10) })
            }
        }
        if let data, !data.isEmpty { return data }
        for await status in ended where status != 0 { throw ProgramFailed(status: status) }
        return nil
    }
}

let client = try Client(.post, CommandLine.arguments[1])
do {
    let dump = Content.stream(try output(of: Array(CommandLine.arguments.dropFirst(2)))).gzipped()
    let response = try await client.send(Part("dump", dump, filename: "dump.sql.gz", contentType: "application/gzip"))
    print(try await response.requireSuccess().text(), terminator: "")
} catch let error as ClientError {
    print(error.underlying ?? error)
    exit(1)
}
