// Sends all files of a folder in one request and prints the seconds: `folder send|sendUnclosed FOLDER URL`. `send` gets
// all parts at once, `sendUnclosed` one at a time. Finding the files is included, the start of the process is not.

import Foundation
import HTTPStreaming

guard CommandLine.arguments.count == 4, ["send", "sendUnclosed"].contains(CommandLine.arguments[1]) else {
    print("usage: folder send|sendUnclosed FOLDER URL")
    exit(2)
}

/// Not on the main actor: there, each call would begin and end with a change of threads that the client does not cause.
nonisolated func seconds(_ call: String, _ folder: String, to url: String) async throws -> Double {
    let start = ContinuousClock.now
    let client = try Client(.post, url)
    let parts = try await Part.files(in: folder)
    let response: Response
    if call == "send" {
        response = try await client.send(parts)
    } else {
        for part in parts { try await client.sendUnclosed(part) }
        response = try await client.close()
    }
    guard response.isSuccess, try await !response.bytes().isEmpty else {
        print(response.status)
        exit(1)
    }
    return (ContinuousClock.now - start) / .seconds(1)
}

let arguments = CommandLine.arguments
print(try await seconds(arguments[1], arguments[2], to: arguments[3]))
