// Stores the parts of forms with Hummingbird, as 1, 2, 3 … in a folder: `hummingbird-receiver PORT FOLDER`.
import Hummingbird
import Multipart
import _NIOFileSystem

let (port, folder) = (Int(CommandLine.arguments[1]) ?? 8080, CommandLine.arguments[2])
let router = Router()
router.post("/") { request, _ in
    var answer = ""
    do {
        let body = request.body.map { $0.readableBytesView }
        for try await part in try MultipartSequence(body, contentType: request.headers[.contentType]) {
            let path = FilePath("\(folder)/\(answer.count { $0 == "\n" } + 1)")
            var length: Int64 = 0
            try await FileSystem.shared.withFileHandle(forWritingAt: path, options: .newFile(replaceExisting: true)) {
                for try await chunk in part.body {
                    length += try await $0.write(contentsOf: chunk, toAbsoluteOffset: length)
                }
            }
            answer += "\(part.head.name) \(length)\n"
        }
        return answer
    } catch let error as MultipartError {
        throw HTTPError(.badRequest, message: error.description)
    }
}
try await Application(router: router, configuration: .init(address: .hostname("127.0.0.1", port: port))) { channel in
    print("listening on http://127.0.0.1:\(channel.localAddress?.port ?? 0)")
}.runService()
