import Foundation
import TestSupport

/// A response. Its content is decoded from chunks but not from a content coding.
struct Download {
    let status: Int
    let fields: [String: String]
    let content: [UInt8]
    /// The number of chunks.
    let chunks: Int

    /// Reads a response from a connection.
    init(_ connection: RawConnection, isHead: Bool = false) throws {
        let lines = String(decoding: try connection.receive(through: "\r\n\r\n"), as: UTF8.self)
            .components(separatedBy: "\r\n").filter { !$0.isEmpty }
        status = Int(lines[0].dropFirst("HTTP/1.1 ".count).prefix(3)) ?? 0
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.components(separatedBy: ": ")
            fields[parts[0].lowercased()] = parts[1]
        }
        self.fields = fields
        var content: [UInt8] = []
        var chunks = 0
        if isHead || status == 304 || status == 204 {
            // These have no content.
        } else if fields["transfer-encoding"] == "chunked" {
            while case let chunk = try connection.readChunk(), !chunk.isEmpty {
                content += chunk
                chunks += 1
            }
        } else {
            content = try connection.receive(count: fields["content-length"].flatMap { Int($0) } ?? 0)
        }
        self.content = content
        self.chunks = chunks
    }
}

extension RunningServer {
    /// Sends requests without a body, one after another, on one connection.
    func downloads(
        _ requests: [(method: String, path: String, fields: [String])]
    ) async throws -> [Download] {
        try await connected { connection in
            try requests.map { method, path, fields in
                let head = ["\(method) \(path) HTTP/1.1", "Host: x"] + fields
                try connection.send(head.joined(separator: "\r\n") + "\r\n\r\n")
                return try Download(connection, isHead: method == "HEAD")
            }
        }
    }

    func get(_ path: String, _ fields: [String] = []) async throws -> Download {
        try await downloads([("GET", path, fields)])[0]
    }
}
