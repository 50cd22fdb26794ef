// Sends files, four at a time, each as a form of its own: `parallel URL FILE…`.
import HTTPStreaming

guard CommandLine.arguments.count > 2 else { fatalError("usage: parallel URL FILE…") }
let url = CommandLine.arguments[1]

try await withThrowingTaskGroup(of: Void.self) { group in
    var running = 0
    for path in CommandLine.arguments.dropFirst(2) {
        if running == 4 {
            try await group.next()
            running -= 1
        }
        // A client is one connection. All of them share a few threads.
        group.addTask {
            let response = try await Client(.post, url).send(.file(path)).requireSuccess()
            print(path, "after", response.bytesSent, "bytes")
        }
        running += 1
    }
    try await group.waitForAll()
}
