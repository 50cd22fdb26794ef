/// What a request has brought: the answer to it.
struct UploadReport: Hashable, Sendable {
    /// In the order of the message.
    var parts: [ReceivedPart]

    /// The sum of the parts' sizes.
    var bytes: Int { parts.reduce(0) { $0 + $1.size } }

    /// One line, with its end.
    var json: String {
        var json = JSONText()
        json.object { members in
            members.member("parts", parts) { $0.part($1) }
            members.member("bytes", bytes)
        }
        return json.text + "\n"
    }
}

extension Refusal {
    /// One line, with its end.
    var json: String {
        var json = JSONText()
        json.object { $0.member("error", message) }
        return json.text + "\n"
    }
}

extension JSONText {
    fileprivate mutating func part(_ part: ReceivedPart) {
        object { members in
            members.member("name", part.name)
            if let filename = part.filename { members.member("filename", filename) }
            if let contentType = part.contentType { members.member("content_type", contentType) }
            members.member("size", part.size)
            if let value = part.value {
                members.member("value", value.text)
                if value.isTruncated { members.member("truncated", true) }
            }
            if let savedAs = part.savedAs { members.member("saved_as", savedAs) }
            if let sha256 = part.sha256 { members.member("sha256", sha256) }
        }
    }
}
