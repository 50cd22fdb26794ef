// Sends files as a form with AsyncHTTPClient: `async-http-client-upload URL FILE…`. No file is in memory as a whole.
import AsyncHTTPClient
import Multipart
import NIOCore
import _NIOFileSystem

guard CommandLine.arguments.count > 2 else { fatalError("usage: async-http-client-upload URL FILE…") }
let (url, paths) = (CommandLine.arguments[1], CommandLine.arguments.dropFirst(2))

/// Opens the files one within another, so that all are closed at the end.
func withParts(
    of paths: ArraySlice<String>, _ parts: [MultipartBody<ByteBufferView>.Part],
    _ send: ([MultipartBody<ByteBufferView>.Part]) async throws -> Void
) async throws {
    guard let path = paths.first else { return try await send(parts) }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    try await FileSystem.shared.withFileHandle(forReadingAt: .init(path)) { file in
        let part = MultipartBody<ByteBufferView>.Part(
            PartHead(name: "file", filename: name, contentType: "application/octet-stream"),
            length: Int(try await file.info().size), chunks: file.readChunks().map { $0.readableBytesView })
        try await withParts(of: paths.dropFirst(), parts + [part], send)
    }
}

try await withParts(of: paths, []) { parts in
    let body = try MultipartBody(parts)
    var request = HTTPClientRequest(url: url)
    request.method = .POST
    request.headers.add(name: "Content-Type", value: body.contentType)
    request.body = .stream(
        body.map { ByteBuffer($0) }, length: body.contentLength.map { .known(Int64($0)) } ?? .unknown)
    let response = try await HTTPClient.shared.execute(request, timeout: .hours(1))
    print(String(buffer: try await response.body.collect(upTo: 1 << 20)), terminator: "")
    guard (200...299).contains(response.status.code) else { fatalError("the server answered \(response.status)") }
}
