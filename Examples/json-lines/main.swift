// Sends rows as lines of JSON while they are made, compressed: `json-lines URL ROWS`. Memory does not grow with ROWS.
import Foundation
import HTTPStreaming

struct Row: Codable {
    var number: Int
    var text: String
}

guard CommandLine.arguments.count == 3, let count = Int(CommandLine.arguments[2]) else {
    fatalError("usage: json-lines URL ROWS")
}

/// The rows of a table, 100 at a time. The network asks for the next ones, so a slow one slows the table down.
struct Rows: AsyncSequence, AsyncIteratorProtocol {
    let count: Int
    var next = 0
    private let encoder = JSONEncoder()

    init(count: Int) { self.count = count }

    func makeAsyncIterator() -> Rows { self }

    mutating func next(isolation actor: isolated (any Actor)?) async throws -> Data? {
        guard next < count else { return nil }
        var lines = Data()
        for number in next..<Swift.min(next + 100, count) {
            lines += try encoder.encode(Row(number: number, text: "row \(number)")) + Data("\n".utf8)
        }
        next += 100
        return lines
    }
}

let client = try Client(.post, CommandLine.arguments[1])
let rows = Content.stream { Rows(count: count) }
let response = try await client.send(Part("rows", rows, filename: "rows.jsonl", contentType: "application/jsonl"))
print(try await response.requireSuccess().text(), terminator: "")
