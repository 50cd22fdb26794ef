import ContentCoding
import Multipart
import TestSupport

struct ReceivedPart {
    let head: PartHead
    var content: [UInt8] = []

    var name: String { head.name }
    var filename: String? { head.filename }
    var contentType: String? { head.contentType }
}

/// The parts of a request's message.
func receivedParts(of request: (head: RequestHead, body: [UInt8], connection: Int)) throws -> [ReceivedPart] {
    var message = request.body
    if let coding = request.head["content-encoding"].flatMap({ Coding(token: $0) }) {
        message = try coding.decode(request.body)
    }
    var parser = MultipartParser(boundary: try Boundary(contentType: request.head["content-type"] ?? ""))
    var parts: [ReceivedPart] = []
    try message.withUnsafeBytes { bytes in
        var offset = 0
        while let event = try parser.next(in: bytes, at: &offset) {
            switch event {
            case .partBegan(let head): parts.append(ReceivedPart(head: head))
            case .content(let range): parts[parts.count - 1].content += bytes[range]
            case .heldContent(let held): parts[parts.count - 1].content += held
            case .partEnded, .messageEnded: break
            }
        }
    }
    try parser.finish()
    return parts
}
