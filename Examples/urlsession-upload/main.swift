// Sends files as a form with URLSession: `urlsession-upload URL FILE…`. URLSession sends a body of known length from a file
// only, so the form is written to one first. No file is in memory as a whole.
import Foundation
import Multipart

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

guard CommandLine.arguments.count > 2, let url = URL(string: CommandLine.arguments[1]) else {
    fatalError("usage: urlsession-upload URL FILE…")
}

let parts = try CommandLine.arguments.dropFirst(2).map { path in
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    let name = URL(fileURLWithPath: path).lastPathComponent
    return MultipartBody<Data>.Part(
        PartHead(name: "file", filename: name, contentType: "application/octet-stream"),
        chunks: AsyncThrowingStream { try file.read(upToCount: 256 << 10).flatMap { $0.isEmpty ? nil : $0 } })
}
let body = try MultipartBody(parts)

/// Writes the form to a temporary file while `send` runs.
func withFile<Result>(of body: MultipartBody<Data>, _ send: (URL) async throws -> Result) async throws -> Result {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    guard FileManager.default.createFile(atPath: url.path, contents: nil) else { throw CocoaError(.fileWriteUnknown) }
    defer { try? FileManager.default.removeItem(at: url) }
    let file = try FileHandle(forWritingTo: url)
    for try await chunk in body { try file.write(contentsOf: chunk) }
    try file.close()
    return try await send(url)
}

var request = URLRequest(url: url)
request.httpMethod = "POST"
request.setValue(body.contentType, forHTTPHeaderField: "Content-Type")
let (answer, response) = try await withFile(of: body) { [request] file in
    try await URLSession.shared.upload(for: request, fromFile: file)
}
print(String(decoding: answer, as: UTF8.self), terminator: "")
guard let status = (response as? HTTPURLResponse)?.statusCode, (200...299).contains(status) else {
    fatalError("the server answered \(response)")
}
