// Sends a file as the body to a presigned URL, as S3 makes them: `presigned-put URL FILE`.
import HTTPStreaming

guard CommandLine.arguments.count == 3 else { fatalError("usage: presigned-put URL FILE") }

// A presigned URL allows what it was signed for: the method, and no further header fields.
var configuration = Client.Configuration()
configuration.retry = Client.Retry(attempts: 5)
let client = try Client(configuration: configuration)
let request = Request(.put, CommandLine.arguments[1], content: .file(CommandLine.arguments[2]))
let response = try await client.send(request).requireSuccess()
print(response.status, "after", response.bytesSent, "bytes")
