/// What an agent hands over of a response: its head, and where its content arrives.
struct Answer: Sendable {
    let status: Int
    let headerFields: HeaderFields
    let bytesSent: Int64
    let content: ContentBuffer
}
