import Crypto
import HTTPTypes
import Platform

/// The request that began an upload, as it is kept beside it: a text with a first line that tells the format, and a last line.
/// It holds no credentials, only the hash of a token.
struct UploadRecord: Hashable, Sendable {
    private static let (first, last) = ("http-streaming upload 1", "end")
    private static let unkept: Set<HTTPField.Name> = [
        .authorization, .cookie, .proxyAuthorization, .contentLength, .transferEncoding, .expect, .connection,
    ]

    /// Who may go on with the upload.
    let owner: Owner
    /// Of the whole upload, if the first request tells it.
    let length: Int?
    /// Without credentials.
    let head: HTTPRequest

    /// Whoever has the token with which the upload was begun; anyone if it was begun without one.
    struct Owner: Hashable, Sendable {
        /// The SHA-256 of the token, in hexadecimal; empty without a token.
        let hash: String

        init(_ head: HTTPRequest) {
            let token = Receiver.Access.bearerToken(of: head)
            hash = token.map { SHA256.hash(data: Array($0.utf8)).hexadecimal } ?? ""
        }

        fileprivate init(hash: String) { self.hash = hash }
    }

    init(_ head: HTTPRequest, _ creation: UploadCreation) {
        (owner, length) = (Owner(head), creation.length)
        var fields = head.headerFields
        for name in Self.unkept { fields[name] = nil }
        // This one is about the first request only.
        if creation.isLast == false { fields[.contentDigest] = nil }
        self.head = HTTPRequest(method: head.method, scheme: nil, authority: nil, path: head.path, headerFields: fields)
    }

    /// - Returns: nil if the text is not such a record.
    init?(bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 6, lines[0] == Self.first, lines[lines.count - 2] == Self.last, lines.last == "",
            let method = HTTPRequest.Method(String(lines[3])), lines[2].isEmpty || Int(lines[2]) ?? -1 >= 0
        else { return nil }
        owner = Owner(hash: String(lines[1]))
        length = Int(lines[2])
        var fields = HTTPFields()
        for line in lines[5..<(lines.count - 2)] {
            guard let colon = line.firstIndex(of: ":"), let name = HTTPField.Name(String(line[..<colon])) else {
                return nil
            }
            fields.append(HTTPField(name: name, value: String(line[line.index(after: colon)...])))
        }
        head = HTTPRequest(method: method, scheme: nil, authority: nil, path: String(lines[4]), headerFields: fields)
    }

    /// No value of a head contains the end of a line.
    var bytes: [UInt8] {
        let fields = head.headerFields.map { "\($0.name.rawName):\($0.value)" }
        let lines =
            [Self.first, owner.hash, length.map(String.init) ?? "", head.method.rawValue, head.path ?? ""] + fields
        return Array((lines + [Self.last, ""]).joined(separator: "\n").utf8)
    }
}

/// The answer to an upload, kept for a client that has not received it: a line with the status, lines with fields, an empty
/// line, and the content.
struct UploadAnswer: Hashable, Sendable {
    let status: Int
    let fields: HTTPFields
    /// JSON.
    let content: String
    /// Of the body.
    let length: Int

    init(_ report: UploadReport, to upload: UploadRequest, length: Int) {
        (status, fields, content) = (report.status.code, report.fields(for: upload), report.json)
        self.length = length
    }

    /// - Returns: nil if the text is not such an answer.
    init?(bytes: [UInt8]) {
        guard let end = bytes.firstRange(of: Array("\n\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\n")
        guard lines.count >= 2, let status = Int(lines[0]), (200...599).contains(status), let length = Int(lines[1])
        else {
            return nil
        }
        var fields = HTTPFields()
        for line in lines.dropFirst(2) {
            guard let colon = line.firstIndex(of: ":"), let name = HTTPField.Name(String(line[..<colon])) else {
                return nil
            }
            fields.append(HTTPField(name: name, value: String(line[line.index(after: colon)...])))
        }
        (self.status, self.length, self.fields) = (status, length, fields)
        content = String(decoding: bytes[end.upperBound...], as: UTF8.self)
    }

    /// - Parameter bytes: as a storage has kept them.
    init(stored bytes: [UInt8]) throws(StorageError) {
        guard let answer = Self(bytes: bytes) else { throw .damagedUpload }
        self = answer
    }

    var bytes: [UInt8] {
        let lines = [String(status), String(length)] + fields.map { "\($0.name.rawName):\($0.value)" }
        return Array((lines.joined(separator: "\n") + "\n\n" + content).utf8)
    }
}
