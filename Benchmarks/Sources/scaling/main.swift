// Uploads many files through a load balancer while a server is killed, and compares all files in the object store with what
// was sent: see `Options.usage`. scripts/bench-scaling.sh starts the store, the servers and the load balancer.

import Foundation
import HTTPStreaming

guard let options = Options(Array(CommandLine.arguments.dropFirst())) else {
    print(Options.usage)
    exit(2)
}
let servers = options.serverFiles.map(ServerProcess.init(file:))
let watch = Task {
    while !Task.isCancelled {
        for server in servers { server.sample() }
        try await Task.sleep(for: .milliseconds(500))
    }
}
let load = Load(options)
let results = await load.run { answered in
    guard let index = options.killed, answered == options.uploads / 2 else { return }
    Task {
        // Uploads that began together end together: the others are in the middle a second later.
        try await Task.sleep(for: .seconds(1))
        servers[index].send(options.signal)
    }
}
watch.cancel()
for server in servers { server.sample() }

let report = Report(results, seconds: load.seconds, options)
report.printUploads()
for (index, server) in servers.enumerated() { print("server \(index + 1)".padded, server.summary) }
do {
    let stored = try await Stored.compare(results.map(\.content), options)
    exit(report.isFailed(stored: stored) ? 1 : 0)
} catch {
    print("FAILED: the store cannot be read: \(error)")
    exit(1)
}
