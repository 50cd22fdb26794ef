// Uploads a file and prints the number of bytes sent: `upload FILE URL CODING`, where CODING is `identity`, `automatic`
// or a gzip level.

import Foundation
import HTTPStreaming

guard CommandLine.arguments.count == 4 else {
    print("usage: upload FILE URL identity|automatic|LEVEL")
    exit(2)
}
var configuration = Client.Configuration()
switch CommandLine.arguments[3] {
case "identity": configuration.contentCoding = .identity
case "automatic": configuration.contentCoding = .automatic
case let level: configuration.contentCoding = .gzip(level: Int(level) ?? -1)
}
let client = try Client(.post, CommandLine.arguments[2], configuration: configuration)
let response = try await client.send(.file(CommandLine.arguments[1]))
guard response.isSuccess else {
    print(response.status, try await response.text())
    exit(1)
}
_ = try await response.bytes()
print(response.bytesSent)
