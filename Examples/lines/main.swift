// Sends each line of standard input at once, and prints what the server answers meanwhile: `lines URL`.
import Foundation
import HTTPStreaming

guard CommandLine.arguments.count == 2 else { fatalError("usage: lines URL") }
let stream = try await Client(.post, CommandLine.arguments[1]).open(contentType: "text/plain; charset=utf-8")

// Detached: the main thread waits for lines.
let printing = Task.detached {
    let response = try await stream.response.requireSuccess()
    for try await chunk in response.body { try FileHandle.standardOutput.write(contentsOf: chunk) }
}
// Each line is on its way when this returns. False: the server has ended its answer.
while let line = readLine(strippingNewline: false), try await stream.write(line.utf8) {}
stream.finish()
try await printing.value
