// Measures how much open, idle requests slow down an upload: `idle URL FILE COUNT ROUNDS`. Prints the median duration
// alone, the median with COUNT idle requests, and their ratio.

import Foundation
import HTTPStreaming

let arguments = CommandLine.arguments
guard arguments.count == 5, let count = Int(arguments[3]), let rounds = Int(arguments[4]), rounds > 0 else {
    print("usage: idle URL FILE COUNT ROUNDS")
    exit(2)
}
let (url, file) = (arguments[1], arguments[2])

func upload() async throws -> Double {
    let client = try Client(.post, url)
    let start = ContinuousClock.now
    let response = try await client.send(.file(file))
    _ = try await response.bytes()
    guard response.isSuccess else { throw CancellationError() }
    return (ContinuousClock.now - start) / .seconds(1)
}

func openRequests() async throws -> [Client] {
    try await withThrowingTaskGroup(of: Client.self) { group in
        for _ in 0..<count {
            group.addTask {
                var configuration = Client.Configuration()
                // A thousand of these fit into `bufferBudget`.
                configuration.uploadBufferSize = 64 << 10
                let client = try Client(.post, url, configuration: configuration)
                try await client.sendUnclosed(.field("a", "b"))
                return client
            }
        }
        return try await group.reduce(into: []) { $0.append($1) }
    }
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

var alone: [Double] = []
var beside: [Double] = []
_ = try await upload()
for _ in 0..<rounds {
    alone.append(try await upload())
    let clients = try await openRequests()
    beside.append(try await upload())
    for client in clients { _ = try await client.close() }
}
print(
    "alone \(median(alone)) s, with \(count) idle requests \(median(beside)) s, ratio \(median(beside) / median(alone))"
)
