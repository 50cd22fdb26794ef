// Sends a file: `resume URL FILE`. Continues by itself after a lost connection, and when it is run again after this
// process has ended.
import HTTPStreaming

guard CommandLine.arguments.count == 3 else { fatalError("usage: resume URL FILE") }
let (url, file) = (CommandLine.arguments[1], CommandLine.arguments[2])
let journal = Path(file + ".journal")

var configuration = Client.Configuration()
configuration.resumption = .automatic
configuration.journal = journal
let client = try Client(.post, url, configuration: configuration)
let response: Response
do {
    response = try await client.resume(journal: journal)
} catch ClientError.Code.invalidJournal, ClientError.Code.resumptionFailed, ClientError.Code.sourceChanged {
    // Nothing was interrupted, the server has forgotten it, or the file is another one now.
    response = try await client.send(.file(file))
}
try await response.requireSuccess()
print(response.status, "after", response.bytesSent, "bytes")
