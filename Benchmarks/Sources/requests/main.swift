// Sends requests of 1 KiB, one after another, with one client, and prints the requests per second:
// `requests URL COUNT`. `crequests` does the same in C.

import Foundation
import HTTPStreaming

guard CommandLine.arguments.count == 3, let count = Int(CommandLine.arguments[2]) else {
    print("usage: requests URL COUNT")
    exit(2)
}

/// Not on the main actor: there, each call would begin and end with a change of threads that the client does not cause.
nonisolated func rate(of count: Int, to url: String) async throws -> Double {
    let client = try Client(.post, url)
    let content = [UInt8](repeating: 7, count: 1024)
    let start = ContinuousClock.now
    for _ in 0..<count {
        let response = try await client.send(Part("file", .bytes(content), filename: "small.bin"))
        let answer = try await response.bytes()
        guard response.isSuccess, !answer.isEmpty else {
            print(response.status)
            exit(1)
        }
    }
    return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
}

print(try await rate(of: count, to: CommandLine.arguments[1]))
