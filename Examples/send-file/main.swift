// Sends a file as a form, and prints the answer: `send-file URL FILE`.
import Foundation
import HTTPStreaming

guard CommandLine.arguments.count == 3 else { fatalError("usage: send-file URL FILE") }
let client = try Client(.post, CommandLine.arguments[1])
do {
    let response = try await client.send(.file(CommandLine.arguments[2])).requireSuccess()
    print(try await response.text(), terminator: "")
} catch let error as StatusError {
    print("refused with status \(error.status): \(String(decoding: error.content, as: UTF8.self))")
    exit(1)
} catch ClientError.Code.sourceUnreadable {
    print("the file cannot be read")
    exit(1)
}
