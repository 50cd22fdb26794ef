// Sends all files of a folder, and of those below it, as one form: `folder URL FOLDER`.
import HTTPStreaming

guard CommandLine.arguments.count == 3 else { fatalError("usage: folder URL FOLDER") }
let parts = try await Part.files(in: CommandLine.arguments[2])
// Such as `file: "photos/1.jpg", 2048576 bytes`.
for part in parts { print(part) }
let response = try await Client(.post, CommandLine.arguments[1]).send(parts).requireSuccess()
print(try await response.text(), terminator: "")
